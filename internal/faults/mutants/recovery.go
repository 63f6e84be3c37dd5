package mutants

// ofRecovery break how a worker goes on where a predecessor died.
func ofRecovery() []Mutant {
	return []Mutant{
		{
			Name:   "recovery-without-snapshots",
			Why:    "what a predecessor folded is published from the history, and its snapshots are forgotten",
			Edits:  []Edit{{"internal/pipeline/recover.go", "\tif err := w.recoverSnapshots(ctx, p, ledger, changed); err != nil {\n\t\treturn err\n\t}\n", ""}},
			Caught: []Stage{tests("./internal/pipeline", "TestRecoveredIsShownFirst"), simulated(20)},
		},
		{
			Name:   "recovery-without-dead-letters",
			Why:    "what a predecessor folded is published from the history, and its rejects are forgotten",
			Edits:  []Edit{{"internal/pipeline/recover.go", "\t\tw.deadLetter(pub, r)\n", ""}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "recovery-without-badges",
			Why:    "only the offsets are moved on over what a predecessor folded, as it is in Postgres already",
			Edits:  []Edit{{"internal/pipeline/recover.go", "\t\tw.badge(pub, row)\n", ""}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "recovery-again",
			Why:    "a predecessor's part is published from one change too early, as if the note of the offset counted from 1",
			Edits:  []Edit{{"internal/pipeline/recover.go", "Mark{Offset: p.Offset, Ordinal: p.Ordinal}", "Mark{Offset: p.Offset, Ordinal: max(0, p.Ordinal-1)}"}},
			Caught: []Stage{tests("./internal/pipeline", "TestMarkIsTheNextChange")},
		},
	}
}

// ofRestore break what follows when Postgres went back to a backup.
func ofRestore() []Mutant {
	return []Mutant{
		{
			Name:   "restore-not-noticed",
			Why:    "a worker that finds less folded than is published folds on from there: it publishes again what is published",
			Edits:  []Edit{{"internal/pipeline/assign.go", "if p, ok := ps[id]; ok && compare(k, p) > 0 {", "if p, ok := ps[id]; ok && compare(k, p) > 1 {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestored"), simulated(20)},
		},
		{
			Name:   "restored-under-new-numbers",
			Why:    "what a restored Postgres has forgotten is folded again under the next numbers of the ledger: it is not the ledger that is published",
			Edits:  []Edit{{"internal/pipeline/refold.go", "r.write(ctx, row.Number)", "r.write(ctx, 0)"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestored")},
		},
		{
			Name:   "restored-in-another-order",
			Why:    "what a restored Postgres has forgotten is folded again by partition and offset, and not in the ledger's order",
			Edits:  []Edit{{"internal/pipeline/forgotten.go", "\tslices.SortFunc(rows, func(a, b schemas.LedgerRow) int { return cmp.Compare(a.Number, b.Number) })\n\treturn rows\n", "\tslices.SortFunc(rows, func(a, b schemas.LedgerRow) int {\n\t\treturn cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))\n\t})\n\treturn rows\n"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestored")},
		},
		{
			Name:   "epoch-not-raised",
			Why:    "a restored Postgres goes on in its old epoch: snapshots of a future that never came stay above all others",
			Edits:  []Edit{{"internal/pipeline/refold.go", "\t\tif err := e.raiseEpoch(ctx, parts); err != nil {\n\t\t\treturn err\n\t\t}\n", ""}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestoredTwice")},
		},
		{
			Name:   "epoch-ignored",
			Why:    "snapshots are ordered by the user's version alone",
			Edits:  []Edit{{"schemas/snapshot.go", "appendPadded(dst, epoch, epochDigits)", "appendPadded(dst, min(epoch, 1), epochDigits)"}},
			Caught: []Stage{tests("./projections/snapshots", "TestVersionsNeverGoBack"), tests("./internal/pipeline", "TestRestoredTwice")},
		},
		{
			Name:   "epoch-taken-back",
			Why:    "the next epoch is counted from the one that the restored Postgres remembers: a second restore draws that of the first again",
			Edits:  []Edit{{"internal/pipeline/refold.go", "e.Store.RaiseEpoch(ctx, least)", "e.Store.RaiseEpoch(ctx, min(least, 0))"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestoredTwice")},
		},
		{
			Name:   "refold-not-refreshed",
			Why:    "a restored Postgres catches up, and Redis keeps what it had",
			Edits:  []Edit{{"internal/pipeline/refold.go", "\treturn e.refresh(ctx)\n}\n\n// raiseEpoch", "\treturn nil\n}\n\n// raiseEpoch"}, {"internal/pipeline/refold.go", "\t\tif err := w.Distrust(ctx, id, p.published); err != nil {\n\t\t\treturn err\n\t\t}\n", "\t\t_, _ = id, p\n"}},
			Caught: []Stage{tests("./internal/pipeline", "TestRestored", "TestRestoredTwice"), simulated(20), simulated(150)},
		},
	}
}

// ofSnapshots break what Redis holds.
func ofSnapshots() []Mutant {
	return []Mutant{
		{
			Name:   "snapshot-without-version",
			Why:    "snapshots are set whatever is there, as what comes last is newest: a worker that is late sets an old one",
			Edits:  []Edit{{"projections/snapshots/scripts.go", "type(stands) == 'string' and stands >= order", "stands == order"}},
			Caught: []Stage{tests("./projections/snapshots", "TestVersionsNeverGoBack")},
		},
		{
			Name:   "snapshot-without-version-in-a-cluster",
			Why:    "where Redis is a cluster, snapshots are set whatever is there",
			Edits:  []Edit{{"projections/snapshots/scripts.go", "then return 0 end\nredis.call('SET', KEYS[1], ARGV[1])\nreturn 1`, schemas", "then redis.call('PING') end\nredis.call('SET', KEYS[1], ARGV[1])\nreturn 1`, schemas"}},
			Caught: []Stage{tests("./projections/snapshots", "TestVersionsNeverGoBack")},
		},
		{
			Name:   "snapshot-by-a-forgotten-script",
			Why:    "in the transaction that sets snapshots, the look at what is there goes by the script's hash: a Redis that has forgotten it sets all",
			Edits:  []Edit{{"projections/snapshots/newer.go", "putAside.Eval(ctx", "putAside.EvalSha(ctx"}},
			Caught: []Stage{tests("./projections/snapshots", "TestNewerAmongOthers")},
		},
		{
			Name:   "snapshot-aside-for-ever",
			Why:    "a snapshot that was put aside comes back as a copy: the time is lost that it has to live, and the empty snapshot of who was erased stays",
			Edits:  []Edit{{"projections/snapshots/scripts.go", "redis.call('RENAME', KEYS[1] .. ':' .. n, key) end", "redis.call('SET', key, redis.call('GET', KEYS[1] .. ':' .. n)) redis.call('DEL', KEYS[1] .. ':' .. n) end"}},
			Caught: []Stage{tests("./projections/snapshots", "TestNewerAmongOthers")},
		},
		{
			Name:   "marker-before-snapshots",
			Why:    "the marker moves on before the snapshots are written: if Redis loses them, the marker says that they are there",
			Edits:  []Edit{{"projections/snapshots/writer.go", "\t// While Redis works on one chunk, the next is made.\n", "\tif err := w.advance(ctx, from); err != nil {\n\t\treturn err\n\t}\n"}, {"projections/snapshots/writer.go", "\treturn w.advance(ctx, from)\n", "\treturn nil\n"}},
			Caught: []Stage{tests("./projections/snapshots", "TestMarkerComesLast")},
		},
		{
			Name:   "loss-not-noticed",
			Why:    "what the marker must have reached is read from Redis itself: a flush takes it along",
			Edits:  []Edit{{"projections/snapshots/marker.go", "\tif k, ok := w.expected[p]; ok {\n\t\treturn mark(k)\n\t}\n", ""}},
			Caught: []Stage{tests("./projections/snapshots", "TestLossesAreNoticed"), tests("./internal/pipeline", "TestFlushedRedis")},
		},
		{
			Name:   "refresh-of-old-epoch",
			Why:    "a process that has folded nothing since another raised the epoch refreshes with the one that it knows",
			Edits:  []Edit{{"internal/pipeline/snapshots.go", "\tif _, err := e.follow(ctx); err != nil {\n\t\treturn err\n\t}\n\te.mu.Lock()", "\te.mu.Lock()"}, {"internal/pipeline/snapshots.go", "\tchanged, err := e.follow(ctx)\n\tif err != nil {\n\t\treturn err\n\t}\n\tif changed {\n\t\treturn e.refresh(ctx)\n\t}\n", ""}},
			Caught: []Stage{tests("./internal/pipeline", "TestRefreshFollows")},
		},
	}
}

// ofDuplicates break how the same event is told.
func ofDuplicates() []Mutant {
	return []Mutant{
		{
			Name:   "window-not-warmed",
			Why:    "the window of duplicates begins empty after a restart",
			Edits:  []Edit{{"internal/pipeline/warm.go", "if folded == 0 || size == 0 {", "if folded >= 0 || size == 0 {"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "window-one-short",
			Why:    "the window is warmed from one offset too late",
			Edits:  []Edit{{"internal/pipeline/warm.go", "folded-size)", "folded-size+1)"}},
			Caught: []Stage{tests("./internal/pipeline", "TestWarmedWindowIsExact")},
		},
		{
			Name:   "window-warmed-too-far",
			Why:    "the window is warmed with what is read again as well: each such event is its own duplicate",
			Edits:  []Edit{{"internal/pipeline/warm.go", "was || r.Offset >= folded || r.Attrs.IsControl()", "was || r.Offset > folded || r.Attrs.IsControl()"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "window-of-a-former-owner",
			Why:    "a partition that comes back gets the window that it had, though another owner folded it on",
			Edits:  []Edit{{"internal/pipeline/assign.go", "if ok && kept.at == folded {", "if ok {"}},
			Caught: []Stage{tests("./internal/pipeline", "TestWindowOfAFormerOwner"), simulated(150)},
		},
		{
			Name:   "window-after-the-batch",
			Why:    "duplicates are told from what was folded before, and not within a batch",
			Edits:  []Edit{{"processor/add.go", "\tif w.See(ev.Source, ev.ID, src.Offset) || counts {\n", "\tif w.See(ev.Source, ev.ID, src.Offset) && (len(b.events) == 0 || b.events[0].ID != ev.ID) || counts {\n"}},
			Caught: []Stage{tests("./processor", "TestConformance", "TestVerdicts")},
		},
		{
			Name:   "window-by-id-alone",
			Why:    "an event's source is not looked at: two producers that both count from 1 lose each other's events",
			Edits:  []Edit{{"processor/window.go", "w.buf = append(append(w.buf, source...), id...)", "w.buf = append(w.buf[:0], id...)"}},
			Caught: []Stage{tests("./processor", "TestVerdicts", "TestWindowIsExact")},
		},
		{
			Name:   "window-off-by-one",
			Why:    "an event that stands exactly as many offsets back as the window has is forgotten",
			Edits:  []Edit{{"processor/window.go", "offset-w.ring[w.head].offset > w.size", "offset-w.ring[w.head].offset >= w.size"}},
			Caught: []Stage{tests("./processor", "TestWindowIsExact")},
		},
		{
			Name:   "duplicate-no-occurrence",
			Why:    "a duplicate is not noted: of three in a row the third counts, if the first is out of the window by then",
			Edits:  []Edit{{"processor/window.go", "\tduplicate := w.slots[slot] != 0\n", "\tduplicate := w.slots[slot] != 0\n\tif duplicate {\n\t\treturn true\n\t}\n"}},
			Caught: []Stage{tests("./processor", "TestWindowIsExact")},
		},
		{
			Name:   "reject-is-an-occurrence",
			Why:    "the window sees records before their data is looked at: a corrected event that is sent under its id is taken for a duplicate",
			Edits:  []Edit{{"processor/add.go", "\tif err := et.Shape.Decode(ev, values); err != nil {\n\t\treturn Unknown, err\n\t}\n\tif w.See(ev.Source, ev.ID, src.Offset) || counts {\n\t\treturn Duplicate, nil\n\t}\n", "\tif w.See(ev.Source, ev.ID, src.Offset) || counts {\n\t\treturn Duplicate, nil\n\t}\n\tif err := et.Shape.Decode(ev, values); err != nil {\n\t\treturn Unknown, err\n\t}\n"}},
			Caught: []Stage{tests("./processor", "TestVerdicts")},
		},
		{
			Name:   "redriven-counts-besides",
			Why:    "a redriven record counts, also where its original does",
			Edits:  []Edit{{"processor/add.go", " || counts {", " {"}},
			Caught: []Stage{tests("./internal/deadletters", "TestRedriveBesides", "TestRebuildRepeatsRedrive")},
		},
	}
}
