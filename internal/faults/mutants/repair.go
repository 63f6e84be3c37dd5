package mutants

// ofRepair break how one user's rows are made what the log gives.
func ofRepair() []Mutant {
	return []Mutant{
		{
			Name:   "repair-from-the-past",
			Why:    "a repair writes what the log gave when it looked: what was folded before it kept folds out is undone",
			Edits:  []Edit{{"internal/repair/repair.go", "\t\tif err := r.compare(ctx, m); err != nil || len(r.result.Untold) > 0 {\n\t\t\treturn err\n\t\t}\n", ""}},
			Caught: []Stage{tests("./internal/pipeline", "TestRepairKilled")},
		},
		{
			Name:   "repair-leaves-rows",
			Why:    "a repair leaves rows which the log does not give",
			Edits:  []Edit{{"projections/userwrite.go", "if _, stays := rows[1][k]; !stays {", "if _, stays := rows[1][k]; !stays && k == 0 {"}},
			Caught: []Stage{tests("./internal/repair", "TestRepair")},
		},
		{
			Name:   "repair-in-the-epoch",
			Why:    "a version of a user's goes back within an epoch: the snapshot of the wrong row stands above all that follow",
			Edits:  []Edit{{"internal/repair/repair.go", "<= r.in.Version(want.Version) {", "<= 1<<62 + r.in.Version(want.Version) {"}},
			Caught: []Stage{tests("./internal/repair", "TestRepair")},
		},
		{
			Name:   "repair-unheard",
			Why:    "a repair gives or takes a badge of which the history says otherwise: nobody is ever told",
			Edits:  []Edit{{"internal/repair/repair.go", "err != nil || len(r.result.Untold) > 0 {", "err != nil {"}},
			Caught: []Stage{tests("./internal/repair", "TestUntold")},
		},
		{
			Name:   "repair-draws-alone",
			Why:    "a user is folded again as if nobody else had drawn a place: who was too late is among the first",
			Edits:  []Edit{{"internal/userlog/fold.go", "f.memory.SetTaken(int16(n.Rule.Collection), others)", "f.memory.SetTaken(int16(n.Rule.Collection), min(others, 0))"}},
			Caught: []Stage{tests("./internal/repair", "TestRepair")},
		},
	}
}
