package mutants

// ofShortcuts break what makes folding fast: records that are taken ahead, shares
// of batches, rows that are known to be new.
func ofShortcuts() []Mutant {
	return []Mutant{
		{
			Name:   "new-without-judge",
			Why:    "a member that was taken for new, though another process had written it, ends the fold",
			Edits:  []Edit{{"projections/new_rows.go", "err.Code == uniqueViolation &&", "err.Code == \"\" &&"}},
			Caught: []Stage{tests("./projections", "TestNewRows")},
		},
		{
			Name:   "new-while-under-way",
			Why:    "it is learnt which members there are while folds are under way that are not seen yet: what they wrote is taken for new",
			Edits:  []Edit{{"projections/known_rows.go", "err := k.settle(ctx); err != nil", "err := ctx.Err(); err != nil"}},
			Caught: []Stage{tests("./projections", "TestNewRowsUnderWay")},
		},
		{
			Name:   "new-without-time",
			Why:    "a new member is copied without its time, so that a later value counts as an earlier one",
			Edits:  []Edit{{"projections/new_rows.go", "row.at, prior.At = op.At, processor.NoTime", "prior.At = processor.NoTime"}},
			Caught: []Stage{tests("./projections", "TestNewRows")},
		},
		{
			Name:   "new-without-sums",
			Why:    "a new entity is copied without what its members bring in the same batch",
			Edits:  []Edit{{"projections/new_rows.go", "sums: op.Add, state", "state"}},
			Caught: []Stage{tests("./projections", "TestNewRows")},
		},
		{
			Name:   "new-entities-without-judge",
			Why:    "an entity that was taken for new, though another process had written it, ends the fold",
			Edits:  []Edit{{"projections/new_rows.go", ` || err.TableName == "entity")`, `)`}},
			Caught: []Stage{tests("./projections", "TestNewRows")},
		},
		{
			Name:   "changes-leave-memory",
			Why:    "rows that have changed since they were written leave the memory of a rebuild as they were",
			Edits:  []Edit{{"projections/bulk_rows.go", "range c.dirty {", "range c.dirty[:0] {"}},
			Caught: []Stage{tests("./projections", "TestRowsStayOrAreKnownToBeGone")},
		},
		{
			Name:   "gone-before-written",
			Why:    "rows leave the memory of a rebuild before they are written, and are not found",
			Edits:  []Edit{{"projections/bulk_room.go", "b.write.await(ctx, b.written)", "b.write.failed()"}},
			Caught: []Stage{tests("./projections", "TestRowsStayUntilWritten")},
		},
		{
			Name:   "built-without-key",
			Why:    "a generation that was built is followed without the key of its members",
			Edits:  []Edit{{"projections/generation.go", "\t\trowsKey(gen, \"member\"),\n", ""}},
			Caught: []Stage{tests("./projections", "TestFoldBesideInAStandstill")},
		},
		{
			Name:   "badges-lost-with-counters",
			Why:    "a user's badges leave the memory of a rebuild when his counters take another room",
			Edits:  []Edit{{"projections/bulk_users.go", "\troom = append(room, u.badges()...)\n", ""}},
			Caught: []Stage{tests("./projections", "TestUsersInOnePiece")},
		},
		{
			Name:   "user-not-forgotten",
			Why:    "a user whom a tick has changed in the table is folded on as he was before",
			Edits:  []Edit{{"projections/bulk_user_cache.go", "\t\tu.away = true\n", "\t\tu.asked = true\n"}},
			Caught: []Stage{tests("./projections", "TestUsersInOnePiece")},
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
