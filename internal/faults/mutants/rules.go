package mutants

// ofRules break what events mean: whom they credit, and what with.
func ofRules() []Mutant {
	const add = "processor/add.go"
	cases := tests("./processor", "TestConformance")
	return []Mutant{
		{
			Name:   "self-actions-count",
			Why:    "`unless` is left out: a vote for one's own review counts",
			Edits:  []Edit{{add, "if refer(pair[0], ev, values) == refer(pair[1], ev, values) {", "if refer(pair[0], ev, values) == refer(pair[1], ev, values) && len(r.Unless) > 2 {"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "system-accounts-count",
			Why:    "system accounts earn badges, and take places of first-comers",
			Edits:  []Edit{{add, "_, system := b.cat.System[credit]; system", "_, system := b.cat.System[credit]; system && credit == \"\""}},
			Caught: []Stage{cases},
		},
		{
			Name:   "system-accounts-ignored",
			Why:    "what a system account does is left out altogether, also where it counts for others",
			Edits:  []Edit{{add, "_, system := b.cat.System[credit]; system", "_, system := b.cat.System[ev.Subject]; system"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "actor-credited",
			Why:    "who acts is credited, and not whom the event names",
			Edits:  []Edit{{add, "\t\tcredit := refer(r.Credit, ev, values)\n", "\t\tcredit := ev.Subject\n"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "gauge-by-arrival",
			Why:    "a gauge keeps the value that comes last, and not that of the latest event time",
			Edits:  []Edit{{"processor/members.go", "\t\t\tif at < m.stamp {\n\t\t\t\tcontinue\n\t\t\t}\n", ""}, {add, "at >= m.at {\n", "at >= m.at || at < m.at {\n"}, {"processor/memory.go", "if op.At < was.At {", "if op.At < was.At && op.At > was.At {"}},
			Caught: []Stage{cases, tests("./processor", "TestBatchesDoNotShow"), simulated(20)},
		},
		{
			Name:   "gauge-tie-to-the-first",
			Why:    "of two values of the same event time the first stays: the later one must",
			Edits:  []Edit{{"processor/members.go", "\t\t\tif at < m.stamp {\n", "\t\t\tif at <= m.stamp {\n"}},
			Caught: []Stage{cases, tests("./processor", "TestBatchesDoNotShow")},
		},
		{
			Name:   "gauge-by-arrival-in-sql",
			Why:    "between batches the value that comes last stays: the statement does not look at the row's time",
			Edits:  []Edit{{"projections/statements.go", "state = CASE WHEN t.at > excluded.at THEN t.state ELSE ` + outcome + ` END, at = greatest(t.at, excluded.at)", "state = ` + outcome + `, at = excluded.at"}},
			Caught: []Stage{tests("./projections", "TestOutcomesByTime", "TestBatchBoundariesDoNotShow")},
		},
		{
			Name:   "deletion-forgotten",
			Why:    "what is deleted before it was seen leaves no tombstone: created late, it counts",
			Edits:  []Edit{{"processor/outcome.go", "\tcase catalog.OpDelete:\n\t\treturn Dead\n", "\tcase catalog.OpDelete:\n\t\tif state == Absent {\n\t\t\treturn Absent\n\t\t}\n\t\treturn Dead\n"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "deletion-not-for-ever",
			Why:    "what was deleted comes back when it is created again",
			Edits:  []Edit{{"processor/outcome.go", "\tif state == Dead {\n\t\treturn Dead\n\t}\n", "\tif state == Dead {\n\t\tstate = Absent\n\t}\n"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "votes-outlive-their-review",
			Why:    "a deleted thing's members still count",
			Edits:  []Edit{{"processor/outcome.go", "\tif state == Dead {\n\t\treturn 0\n\t}\n", "\tif state == Dead && t.Kind != catalog.TermSum {\n\t\treturn 0\n\t}\n"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "member-counted-again",
			Why:    "a member of a set that is added again counts again: it is not looked whether anything changed",
			Edits:  []Edit{{"processor/members.go", "\t\td := weigh(w, m.state) - weigh(w, was)\n", "\t\td := weigh(w, m.state)\n"}, {"processor/members.go", "\t\tif m.state == was {\n\t\t\tcontinue\n\t\t}\n", ""}},
			Caught: []Stage{cases},
		},
		{
			Name:   "place-drawn-again",
			Why:    "a place is drawn at each event that asks for one, and not at the user's first",
			Edits:  []Edit{{"processor/members.go", "\t\tif m.state == was {\n", "\t\tif m.state == was && c.Kind != catalog.First {\n"}, {"processor/members.go", "\tcase catalog.First:\n\t\tif was == Absent && m.state > Absent {\n", "\tcase catalog.First:\n\t\tif m.state > Absent {\n"}},
			Caught: []Stage{cases, simulated(20)},
		},
		{
			Name:   "last-place-not-given",
			Why:    "the N-th of the first N comes away empty-handed",
			Edits:  []Edit{{"processor/places.go", "place++; place <= op.Places", "place++; place < op.Places"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "one-place-too-many",
			Why:    "places are counted from 0, and compared as if from 1",
			Edits:  []Edit{{"processor/places.go", "if place++; place <= op.Places {", "if place++; place <= op.Places+1 {"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "full-too-early",
			Why:    "a worker takes a first-N counter for full when one place is left, and asks no more",
			Edits:  []Edit{{"projections/stages.go", "if taken[i] >= ops[i].Places {", "if taken[i]+ops[i].Count >= ops[i].Places-1 {"}},
			Caught: []Stage{tests("./projections", "TestFullPlacesHoldNobodyUp")},
		},
		{
			Name:   "mean-rounded-down",
			Why:    "a mean is cut to its decimals, and not rounded half up",
			Edits:  []Edit{{"processor/outcome.go", "n, d := 2*rest*scale+count, 2*count", "n, d := 2*rest*scale, 2*count"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "ratio-rounded",
			Why:    "a ratio is compared as the percentage that people see",
			Edits:  []Edit{{"processor/evaluate.go", "return reaches(v, counters[c.Whole], c.Threshold)", "return reaches(200*v+counters[c.Whole], 200*counters[c.Whole], c.Threshold)"}},
			Caught: []Stage{cases, tests("./internal/differential", "TestEngineAgainstRecount")},
		},
	}
}

// ofStates break rows: what is written, and what an answer tells of the row
// before.
func ofStates() []Mutant {
	const statements = "projections/statements.go"
	return []Mutant{
		{
			Name:   "counters-overwritten",
			Why:    "a batch writes the counters that it counted, and does not add them to those that are there",
			Edits:  []Edit{{statements, `sums = append(sums, c+" = t."+c+" + excluded."+c)`, `sums = append(sums, c+" = excluded."+c)`}},
			Caught: []Stage{tests("./projections", "TestLostAnswerIsSettled", "TestBatchBoundariesDoNotShow")},
		},
		{
			Name:   "version-per-batch",
			Why:    "a user's version counts batches, and not events",
			Edits:  []Edit{{"processor/users.go", "\t\tif len(kept) > first {\n\t\t\ts.events++\n", "\t\tif len(kept) > first {\n\t\t\ts.events = 1\n"}},
			Caught: []Stage{tests("./processor", "TestConformance")},
		},
		{
			Name:   "version-without-effect",
			Why:    "a user's version also counts events that changed nothing of him",
			Edits:  []Edit{{"processor/users.go", "\t\tif len(kept) > first {\n\t\t\ts.events++\n\t\t}\n", "\t\ts.events++\n"}},
			Caught: []Stage{tests("./processor", "TestWhatEvensOutIsNoEffect", "TestAnEventWithoutEffectLeavesNoTrace")},
		},
		{
			Name:   "old-row-read-apart",
			Why:    "rule 2: the state before is read by a sub-select, which sees the row as it was before the statement waited for it",
			Edits:  []Edit{{statements, "ON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, state = ` + outcome + `\nRETURNING prev`", "ON CONFLICT (user_key, row_key) DO UPDATE SET prev = coalesce((SELECT o.state FROM ` + gen + `.member o WHERE o.user_key = t.user_key AND o.row_key = t.row_key), 0), state = ` + outcome + `\nRETURNING prev`"}},
			Caught: []Stage{tests("./projections", "TestTouchingRowsOrders", "TestLedgerIsTheHistory")},
		},
		{
			Name: "absence-only-looked-up",
			Why:  "rule 1: the removal of what is not there writes nothing, and so locks nothing: whoever adds it meanwhile overtakes",
			Edits: []Edit{{statements, "`INSERT INTO ` + gen + `.member AS t (user_key, row_key, collection, state, prev)\nSELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`) + `\nON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, state = ` + outcome + `\nRETURNING prev`",
				"`WITH asked AS (SELECT *, row_number() OVER () AS n FROM (SELECT ` + rows(`bigint`, `bigint`, `smallint`, `int`, `int`) + `) x (u, r, c, s, p)),\nwritten AS (INSERT INTO ` + gen + `.member AS t (user_key, row_key, collection, state, prev) SELECT u, r, c, s, p FROM asked\nWHERE s <> 0 OR EXISTS (SELECT FROM ` + gen + `.member o WHERE (o.user_key, o.row_key) = (u, r))\nON CONFLICT (user_key, row_key) DO UPDATE SET prev = t.state, state = ` + outcome + `\nRETURNING user_key, row_key, prev)\nSELECT coalesce(w.prev, -8) FROM asked LEFT JOIN written w ON (w.user_key, w.row_key) = (u, r) ORDER BY n`"}},
			Caught: []Stage{tests("./projections", "TestTouchingRowsOrders", "TestLedgerIsTheHistory")},
		},
		{
			Name:   "strict-isolation",
			Why:    "rule 3: transactions run at the strictest isolation, as if that were safer: what committed while a statement waited is not seen, or fails",
			Edits:  []Edit{{statements, "BEGIN ISOLATION LEVEL READ COMMITTED", "BEGIN ISOLATION LEVEL REPEATABLE READ"}},
			Caught: []Stage{tests("./projections", "TestTouchingRowsOrders", "TestLedgerIsTheHistory")},
		},
		{
			Name:   "numbers-cached",
			Why:    "rule 3: the sequence of the ledger's numbers hands them out in packs, which is faster",
			Edits:  []Edit{{"projections/migrations/00001_base.sql", "CREATE SEQUENCE ledger_number AS bigint CACHE 1;", "CREATE SEQUENCE ledger_number AS bigint CACHE 32;"}},
			Caught: []Stage{tests("./projections", "TestNumbersComeLast", "TestTouchingRowsOrders", "TestLedgerIsTheHistory")},
		},
		{
			Name: "numbers-come-first",
			Why:  "rule 3: the ledger's row is written with the fold offset, before the rows are locked: its number is not the order in which it took effect",
			Edits: []Edit{{"projections/last_stage.go", "\tf.addLedger(pipe, t)\n\tpipe.Add(f.stmts.commit, nil)\n", "\tif t.move {\n\t\tf.addLedger(pipe, t)\n\t}\n\tpipe.Add(f.stmts.commit, nil)\n"},
				{"projections/stages.go", "\tpipe.Add(f.stmts.regime, found.read)\n\tfirst", "\tpipe.Add(f.stmts.regime, found.read)\n\tf.addLedger(pipe, t)\n\tfirst"}},
			Caught: []Stage{tests("./projections", "TestNumbersComeLast", "TestTouchingRowsOrders")},
		},
		{
			Name:   "regime-not-locked",
			Why:    "rule 5: a fold reads the regime without a lock: a catalogue is installed in its middle",
			Edits:  []Edit{{statements, ".regime FOR SHARE`}", ".regime`}"}},
			Caught: []Stage{tests("./projections", "TestRegimeIsExclusive")},
		},
		{
			Name:   "zero-byte-accepted",
			Why:    "rule 7: an id with a NUL is taken, as JSON allows it: Postgres refuses the whole batch, for ever",
			Edits:  []Edit{{"schemas/data.go", "case strings.IndexByte(text, 0) >= 0:", "case strings.IndexByte(text, 0) > len(text):"}},
			Caught: []Stage{tests("./projections", "TestWhatIsAcceptedIsStored")},
		},
	}
}
