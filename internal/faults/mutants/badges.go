package mutants

// ofBadges break when badges come and go.
func ofBadges() []Mutant {
	const evaluate = "processor/evaluate.go"
	cases := tests("./processor", "TestConformance")
	return []Mutant{
		{
			Name:   "crossing-by-the-end",
			Why:    "whether a threshold was crossed is told from where a counter begins and ends in the batch: what comes and goes within it is missed",
			Edits:  []Edit{{evaluate, "\t\te.low[c], e.high[c] = min(e.low[c], e.now[c]), max(e.high[c], e.now[c])\n", "\t\te.low[c], e.high[c] = min(final[c], final[c]-add[c]), max(final[c], final[c]-add[c])\n"}},
			Caught: []Stage{cases, tests("./processor", "TestNoCrossingIsMissed")},
		},
		{
			Name:   "crossing-missed-at-the-threshold",
			Why:    "a counter that ends exactly at a threshold is not taken to have reached it",
			Edits:  []Edit{{evaluate, "for hi < len(steps) && steps[hi].At <= high {", "for hi < len(steps) && steps[hi].At < high {"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "judged-in-mid-event",
			Why:    "criteria are looked at after each thing that an event does, and not once after all",
			Edits:  []Edit{{evaluate, "\t\tfor ; i < len(acts) && acts[i].event == event; i++ {\n\t\t}\n\t\tm.event, m.version = event, m.version+1\n", "\t\ti++\n\t\tif from == 0 || acts[from-1].event != event {\n\t\t\tm.version++\n\t\t}\n\t\tm.event = event\n"}},
			Caught: []Stage{cases, tests("./processor", "TestBatchesDoNotShow"), tests("./internal/oracle/recount", "TestConformance")},
		},
		{
			Name:   "version-of-the-batch",
			Why:    "badge events bear the version that the user has after the batch, and not after their cause",
			Edits:  []Edit{{evaluate, "m.event, m.version = event, m.version+1", "m.event, m.version = event, row.Version"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "evidence-of-the-batch",
			Why:    "badge events bear the counters that the user has after the batch, and not after their cause",
			Edits:  []Edit{{evaluate, "\t\t\t\tb.move(&m, badge, is, e.now)\n", "\t\t\t\tb.move(&m, badge, is, row.Counters)\n"}},
			Caught: []Stage{cases},
		},
		{
			Name:   "sticky-revoked",
			Why:    "a sticky badge is revoked as any other",
			Edits:  []Edit{{evaluate, " && (is || !def.Sticky) {", " {"}},
			Caught: []Stage{cases, tests("./processor", "TestBatchesDoNotShow"), simulated(20)},
		},
		{
			Name:   "rules-over-decisions",
			Why:    "the rules give and take badges about which people decided",
			Edits:  []Edit{{evaluate, "!m.hand.Decides(def.ID) && ", ""}},
			Caught: []Stage{tests("./processor", "TestDecisionsHold"), simulated(20), tests("./internal/pipeline", "TestDecisionsKilled")},
		},
		{
			Name:   "decisions-lost-in-bulk",
			Why:    "a rebuild in bulk writes users' rows, and not what people decided about them",
			Edits:  []Edit{{"projections/bulk_commit.go", "b.setUsers, b.sendHands, ", "b.setUsers, "}},
			Caught: []Stage{tests("./internal/pipeline", "TestDecisionsByOtherRules")},
		},
		{
			Name:   "earned-when-revoked",
			Why:    "a revocation says that the badge had been earned when it was revoked",
			Edits:  []Edit{{evaluate, "\t\tc.EarnedAt = m.held[at].At\n", ""}},
			Caught: []Stage{cases, simulated(20)},
		},
		{
			Name:   "conditions-any",
			Why:    "of several conditions one is enough",
			Edits:  []Edit{{evaluate, "\t\tif !b.fulfilled(c, counters, clock) {\n\t\t\treturn false\n\t\t}\n\t}\n\treturn true\n", "\t\tif b.fulfilled(c, counters, clock) {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn false\n"}},
			Caught: []Stage{cases},
		},
	}
}

// ofLocks break what keeps transactions and processes apart.
func ofLocks() []Mutant {
	return []Mutant{
		{
			Name:   "lease-not-held",
			Why:    "a slot's lease is taken and not watched: when its connection ends, two processes have the same transactional id",
			Edits:  []Edit{{"projections/lease.go", "\t\tif err := l.Check(context.WithoutCancel(ctx)); err != nil {\n\t\t\treturn err\n\t\t}\n", ""}},
			Caught: []Stage{tests("./projections", "TestSlots")},
		},
		{
			Name:   "topic-made-anew",
			Why:    "a topic that was deleted and made again is known by its name: its offsets mean other records",
			Edits:  []Edit{{"internal/pipeline/seed.go", "case found.id != t.id:", "case found.id != t.id && t.partitions == 0:"}},
			Caught: []Stage{tests("./internal/pipeline", "TestHalts")},
		},
	}
}

// ofTicks break what time alone does.
func ofTicks() []Mutant {
	return []Mutant{
		{
			Name:   "clock-goes-back",
			Why:    "the clock is set to a tick's time, also if that is earlier than it stands",
			Edits:  []Edit{{"projections/statements_tick.go", "SET at = greatest(at, $1::timestamptz)", "SET at = $1::timestamptz"}},
			Caught: []Stage{tests("./projections", "TestTicksTakeTurns")},
		},
		{
			Name:   "clock-not-locked",
			Why:    "rule 6: a tick does not wait for folds that read the clock before: who becomes due in them is missed",
			Edits:  []Edit{{"projections/statements_tick.go", ".clock IN EXCLUSIVE MODE", ".clock IN ROW EXCLUSIVE MODE"}},
			Caught: []Stage{tests("./projections", "TestTickFindsEverybody", "TestTicksTakeTurns", "TestStepsTakeTurns")},
		},
		{
			Name:   "clock-read-unlocked",
			Why:    "rule 6: a fold reads the clock without a lock: a tick in its middle misses whom it makes due",
			Edits:  []Edit{{"projections/statements.go", ".clock FOR SHARE`}", ".clock`}"}},
			Caught: []Stage{tests("./projections", "TestTickFindsEverybody")},
		},
		{
			Name:   "tick-folded-again",
			Why:    "the fold offset stays at a tick that is done: it is folded again",
			Edits:  []Edit{{"projections/last_stage.go", "\tif t.move {\n\t\tf.addMove(pipe, &t.ranges[0])\n\t}\n", ""}},
			Caught: []Stage{tests("./projections", "TestTickSteps")},
		},
		{
			Name:   "steps-numbered-from-0",
			Why:    "each step of a tick numbers its badge events from 0: two of one tick have the same identity",
			Edits:  []Edit{{"projections/tick.go", "t.batch.AddDue(due, w.Source, w.From.Ordinal)", "t.batch.AddDue(due, w.Source, 0)"}},
			Caught: []Stage{tests("./projections", "TestTickSteps")},
		},
		{
			Name:   "step-size-not-noted",
			Why:    "the ledger does not say how many users a tick's step took: folded again, it takes others",
			Edits:  []Edit{{"projections/tick.go", "\tt.due = int32(len(due))\n", ""}},
			Caught: []Stage{tests("./projections", "TestTickSteps", "TestTicksTakeTurns"), tests("./internal/oracle", "TestStepsOfATick")},
		},
		{
			Name:   "due-date-lost",
			Why:    "an event's due date replaces an earlier one that the user has: he is seen to late",
			Edits:  []Edit{{"projections/statements.go", "`least(t.due_at, excluded.due_at)`", "`coalesce(excluded.due_at, t.due_at)`"}},
			Caught: []Stage{tests("./projections", "TestNearestDateStays")},
		},
		{
			Name:   "due-at-once-missed",
			Why:    "an age that begins with its threshold behind it waits for the next tick",
			Edits:  []Edit{{"projections/folder.go", "\tif f.cat.HasAgeBadges {\n\t\tb.SetClock(t.clock)\n\t}\n", ""}},
			Caught: []Stage{tests("./projections", "TestTickFindsEverybody"), tests("./internal/pipeline", "TestTick")},
		},
		{
			Name:   "tick-from-the-future",
			Why:    "a tick's time is believed, whatever the time of its record: the clock that it raises never goes back",
			Edits:  []Edit{{"schemas/eventtime.go", "> MaxTickLead/1000:", "> MaxTime/1000:"}},
			Caught: []Stage{tests("./internal/pipeline", "TestTickFromTheFuture")},
		},
	}
}
