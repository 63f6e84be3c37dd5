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
	}
}
