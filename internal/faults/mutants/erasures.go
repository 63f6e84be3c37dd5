package mutants

// ofErasures break that an erased user is absent everywhere, for good.
func ofErasures() []Mutant {
	return []Mutant{
		{
			Name:   "erased-and-credited",
			Why:    "what an erased user does after it counts for him again",
			Edits:  []Edit{{"processor/add.go", "if b.isErased(user) {", "if b.isErased(user) && event > 1<<30 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-until-restart",
			Why:    "a worker that begins anew does not read who was erased",
			Edits:  []Edit{{"projections/erased.go", "if in.Erasures > 0 {", "if in.Erasures > 1<<30 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-but-for-members",
			Why:    "members and things of an erased user stay, as nobody reads them",
			Edits:  []Edit{{"projections/erase_rest.go", "[]string{gen + `.member`, gen + `.entity`}", "[]string{}"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-and-rebuilt",
			Why:    "a generation that has caught up keeps what the log has of erased users",
			Edits:  []Edit{{"projections/erase_rest.go", "if len(users) > 0 {", "if len(users) < 0 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-beside-from-the-first",
			Why:    "a rebuild passes over erased users from its beginning: places that they had drawn go to others",
			Edits:  []Edit{{"projections/erased.go", "AND o.generation = $1 AND o.next > e.\"offset\"`", "AND o.generation = $1`"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-and-told",
			Why:    "a switch does not wait until nothing of an erased user is left in the generation that is to be live",
			Edits:  []Edit{{"internal/pipeline/switch.go", "err != nil || unswept {", "err != nil || unswept && false {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErasedByOtherRules")},
		},
		{
			Name:   "erased-if-known",
			Why:    "where Postgres was restored to before somebody asked for it, nobody looks for whom a record erases",
			Edits:  []Edit{{"projections/erase.go", "if missing > 0 {", "if missing < 0 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErasedRestored")},
		},
		{
			Name:   "erased-but-in-redis",
			Why:    "a Redis that comes back from an older copy keeps the snapshot of an erased user",
			Edits:  []Edit{{"projections/snapshots/refresh.go", "\tif err := w.eraseAgain(ctx); err != nil {\n\t\treturn users, err\n\t}\n", ""}},
			Caught: []Stage{tests("./internal/pipeline", "TestErasedFromOldRedis")},
		},
		{
			Name:   "erased-but-in-dead-letters",
			Why:    "the dead letters of a user who was erased get no tombstone",
			Edits:  []Edit{{"internal/pipeline/eraser_rejects.go", "e.entomb(ctx, topic, tombstones)", "ctx.Err()"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
		{
			Name:   "erased-and-rejected",
			Why:    "a record that is no valid event is kept as it is, though it names somebody who was erased",
			Edits:  []Edit{{"internal/pipeline/intake.go", "is != nil && schemas.Names(is, key, value, headers) {", "is != nil && false {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestErased")},
		},
	}
}
