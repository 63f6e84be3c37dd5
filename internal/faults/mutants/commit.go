package mutants

// ofCommit break the first commit point: who may fold what, and what is made of
// a COMMIT without an answer.
func ofCommit() []Mutant {
	const (
		statements = "projections/statements.go"
		advance    = "WHERE topic = $1 AND partition = $2 AND next = $3 AND step = $4 RETURNING"
		unchecked  = "WHERE topic = $1 AND partition = $2 AND $3::bigint >= 0 AND $4::bigint >= 0 RETURNING"
	)
	return []Mutant{
		{
			Name:   "no-compare-and-swap",
			Why:    "the fold offset is set, not compared and swapped. By itself this folds nothing twice, as the ledger's unique index `ledger_range` stands behind it and refuses a second range that begins at the same place: the stale owner then fails with an error that it cannot explain, and a range of which another begins in the middle is folded again",
			Edits:  []Edit{{statements, advance, unchecked}},
			Caught: []Stage{tests("./projections", "TestStaleWorkChangesNothing")},
		},
		{
			Name: "no-compare-and-swap-no-index",
			Why:  "the same, and without the index: a stale owner's batch counts twice",
			Edits: []Edit{{statements, advance, unchecked},
				{"projections/migrations/00001_base.sql", "CREATE UNIQUE INDEX ledger_range", "CREATE INDEX ledger_range"}},
			Caught: []Stage{tests("./projections", "TestStaleWorkChangesNothing")},
		},
		{
			Name:   "compare-stale-passes",
			Why:    "the comparison lets through what begins before the fold offset, as if it were only to keep gaps out",
			Edits:  []Edit{{statements, advance, "WHERE topic = $1 AND partition = $2 AND next >= $3 AND step >= $4 RETURNING"}},
			Caught: []Stage{tests("./projections", "TestStaleWorkChangesNothing")},
		},
		{
			Name:   "compare-gap-passes",
			Why:    "the comparison lets through what begins after the fold offset, as if it were only to keep repetitions out",
			Edits:  []Edit{{statements, advance, "WHERE topic = $1 AND partition = $2 AND next <= $3 AND step <= $4 RETURNING"}},
			Caught: []Stage{tests("./projections", "TestStaleWorkChangesNothing")},
		},
		{
			Name:   "compare-tick-without-step",
			Why:    "a tick compares the offset and not the step that it is at: a step is folded twice",
			Edits:  []Edit{{"projections/statements_tick.go", "WHERE topic = $1 AND partition = $2 AND next = $3 AND step = $4 FOR UPDATE", "WHERE topic = $1 AND partition = $2 AND next = $3 AND $4::bigint >= 0 FOR UPDATE"}},
			Caught: []Stage{tests("./projections", "TestStaleStepChangesNothing")},
		},
		{
			Name:   "compare-batch-without-step",
			Why:    "a batch compares the offset and not the step: it folds on in the place of a tick that is half done",
			Edits:  []Edit{{statements, advance, "WHERE topic = $1 AND partition = $2 AND next = $3 AND $4::bigint >= 0 RETURNING"}},
			Caught: []Stage{tests("./projections", "TestStaleStepChangesNothing")},
		},
		{
			Name:   "lost-commit-taken-as-done",
			Why:    "a COMMIT without an answer is believed to have arrived",
			Edits:  []Edit{{"projections/last_stage.go", "\treturn f.settle(ctx, t, err)\n", "\tf.dropConn()\n\treturn nil\n"}},
			Caught: []Stage{tests("./projections", "TestLostAnswerIsSettled")},
		},
		{
			Name:   "lost-commit-taken-as-undone",
			Why:    "a COMMIT without an answer is believed to be lost, as errors before it are",
			Edits:  []Edit{{"projections/last_stage.go", "\treturn f.settle(ctx, t, err)\n", "\treturn lost(err)\n"}},
			Caught: []Stage{tests("./projections", "TestLostAnswerIsSettled")},
		},
		{
			Name:   "settled-too-early",
			Why:    "whether a COMMIT arrived is asked by a plain read: the session that got it may still be at it",
			Edits:  []Edit{{"projections/statements.go", "AND partition = $2 FOR UPDATE", "AND partition = $2"}},
			Caught: []Stage{tests("./projections", "TestLostAnswerIsSettled")},
		},
		{
			Name:   "settled-by-another",
			Why:    "whether a COMMIT arrived is told from the ledger's range alone: another process may have folded the same",
			Edits:  []Edit{{"projections/statements.go", "AND from_step = $4 AND xmin = $5::xid", "AND from_step = $4 AND $5::xid IS NOT NULL"}},
			Caught: []Stage{tests("./projections", "TestOtherFoldedTheSame")},
		},
		{
			Name:   "farewell-taken-for-refusal",
			Why:    "any error that Postgres sends is taken for a refusal: one that ends the session can come after the commit",
			Edits:  []Edit{{"projections/transaction.go", `errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"`, `errors.As(err, &pg) && pg.SeverityUnlocalized != ""`}},
			Caught: []Stage{tests("./projections", "TestLostAnswerIsSettled")},
		},
		{
			Name:   "batch-run-again-twice",
			Why:    "a transaction that met a deadlock is tried again with what the first attempt learnt: its effects are added again",
			Edits:  []Edit{{"projections/transaction.go", "\t\tt.batch.Rewind()\n", ""}},
			Caught: []Stage{tests("./projections", "TestDeadlockIsRetried")},
		},
		{
			Name:   "hung-fold-waits-for-ever",
			Why:    "a fold has no time limit of its own, as Postgres ends what hangs: a connection on which nothing comes any more is not noticed",
			Edits:  []Edit{{"projections/transaction.go", "context.WithTimeout(ctx, f.patience)", "context.WithCancel(ctx)"}},
			Caught: []Stage{tests("./projections", "TestHungConnectionIsGivenUp")},
		},
		{
			Name:   "secret-lost",
			Why:    "who takes over a version of the catalogue that another process stored gets the regime and not the group's secret, as once happened: rows are stored where nobody looks for them",
			Edits:  []Edit{{"internal/pipeline/mend.go", "\te.cat, e.installed = cat, in\n\tif erased", "\te.cat, e.installed = cat, projections.Installed{Regime: in.Regime}\n\tif erased"}},
			Caught: []Stage{tests("./internal/pipeline", "TestOtherCatalog")},
		},
	}
}
