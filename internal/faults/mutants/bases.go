package mutants

// ofBases break that a rebuild which begins with a base is what readers see.
func ofBases() []Mutant {
	return []Mutant{
		{
			Name:   "base-of-several-moments",
			Why:    "a base is copied table by table, each as it is by then, while folds go on",
			Edits:  []Edit{{"projections/bases.go", "IsoLevel: pgx.RepeatableRead", "IsoLevel: pgx.ReadCommitted"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBase")},
		},
		{
			Name:   "base-without-history",
			Why:    "a rebuild that begins with a base has the history from there on alone",
			Edits:  []Edit{{"projections/bases_fill.go", "append(baseTables(), \"history\")", "baseTables()"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBase")},
		},
		{
			Name:   "base-of-the-erased",
			Why:    "a base keeps the rows of users who are erased after it was taken",
			Edits:  []Edit{{"projections/bases_erased.go", "if err != nil || rows == 0 {", "if true {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBase")},
		},
		{
			Name:   "base-without-the-erased",
			Why:    "a base goes on without the rows of users who are erased after it was taken, though others' changes are numbered beside theirs",
			Edits:  []Edit{{"projections/bases_erased.go", "\tif passed {", "\tif passed || r.ID != \"\" {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBase")},
		},
		{
			Name:   "base-without-window",
			Why:    "a base is begun with though the records are gone that tell what is a duplicate after it",
			Edits:  []Edit{{"internal/pipeline/rebuild_from.go", "o.Offset-window", "o.Offset"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBase")},
		},
		{
			Name:   "base-of-any-rules",
			Why:    "a base whose rows were counted by other rules is begun with",
			Edits:  []Edit{{"projections/bases.go", "stored.RulesHash != cat.RulesHash", "stored.RulesHash == \"\""}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuildFromBaseOfOtherRules")},
		},
		{
			Name:   "standstill-of-oneself",
			Why:    "who keeps folds out prepares a statement that waits for it",
			Edits:  []Edit{{"projections/beside.go", "f.prepares = f.stmts.beside()", "f.prepares = f.stmts.all()"}},
			Caught: []Stage{tests("./projections", "TestFoldBesideInAStandstill")},
		},
		{
			Name:   "new-without-judge",
			Why:    "a member that was taken for new, though another process had written it, ends the fold",
			Edits:  []Edit{{"projections/new_members.go", "err.Code == uniqueViolation &&", "err.Code == \"\" &&"}},
			Caught: []Stage{tests("./projections", "TestNewMembers")},
		},
		{
			Name:   "new-while-under-way",
			Why:    "it is learnt which members there are while folds are under way that are not seen yet: what they wrote is taken for new",
			Edits:  []Edit{{"projections/known.go", "err := k.settle(ctx); err != nil", "err := ctx.Err(); err != nil"}},
			Caught: []Stage{tests("./projections", "TestNewMembersUnderWay")},
		},
		{
			Name:   "new-without-time",
			Why:    "a new member is copied without its time, so that a later value counts as an earlier one",
			Edits:  []Edit{{"projections/new_members.go", "row.at, prior.At = op.At, processor.NoTime", "prior.At = processor.NoTime"}},
			Caught: []Stage{tests("./projections", "TestNewMembers")},
		},
		{
			Name:   "ahead-and-forgotten",
			Why:    "what was taken from the client while a batch was folded is not folded itself",
			Edits:  []Edit{{"internal/pipeline/ahead.go", "\tw.push(a.taken)", "\t_ = w.push"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRebuild")},
		},
		{
			Name:   "equal-shares",
			Why:    "workers have equal batches, however far each is behind",
			Edits:  []Edit{{"internal/pipeline/room.go", "share := 1.0\n\tif all > 0 {", "share := 1.0\n\tif all < 0 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRoom")},
		},
	}
}
