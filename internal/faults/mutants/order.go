package mutants

// ofOrder break the order of a batch's effects: Postgres, then Redis, then
// Kafka, all at once there.
func ofOrder() []Mutant {
	return []Mutant{
		{
			Name: "publish-before-database",
			Why:  "COMMIT is sent with the next batch, to save its wait: badge events are out before the rows that back them",
			Edits: []Edit{
				{"projections/last_stage.go", "\tf.addLedger(pipe, t)\n\tpipe.Add(f.stmts.commit, nil)\n\terr := pipe.Run(ctx)\n", "\tf.addLedger(pipe, t)\n\terr := pipe.Run(ctx)\n"},
				{"projections/last_stage.go", `tag != "COMMIT"`, `tag == "ROLLBACK"`},
				{"projections/stages.go", "\tpipe.Add(f.stmts.begin, nil)\n\tpipe.Add(f.stmts.regime, found.read)\n\tfirst", "\tpipe.Add(f.stmts.commit, nil)\n\tpipe.Add(f.stmts.begin, nil)\n\tpipe.Add(f.stmts.regime, found.read)\n\tfirst"},
				{"projections/stages.go", "pipe.Finished() > 1)", "pipe.Finished() > 2)"},
			},
			Caught: []Stage{tests("./projections", "TestUserRows"), tests("./internal/pipeline", "TestParallel")},
		},
		{
			Name: "offsets-before-database",
			Why:  "the group's offsets are committed as soon as a batch is taken, as most consumers do: what dies before Postgres heard of it is lost",
			Edits: []Edit{{"internal/pipeline/fold.go", "\tahead := w.fetchAhead(ctx)\n", `	early := &publication{to: map[projections.TopicPartition]projections.Position{}}
	for _, r := range w.in.ranges {
		early.to[r.TopicPartition] = r.To
	}
	if err := w.publish(ctx, early); err != nil {
		return err
	}
	ahead := w.fetchAhead(ctx)
`}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "publish-before-snapshot",
			Why:    "Redis is written after Kafka, as it is only a cache: a badge event is seen before the progress that it speaks of",
			Edits:  []Edit{{"internal/pipeline/fold.go", "\tif err := w.writeSnapshots(ctx, out.Finals, out.Ledger...); err != nil {\n\t\treturn err\n\t}\n\tpub :=", "\tpub :="}, {"internal/pipeline/fold.go", "\tif err := w.publish(ctx, pub); err != nil {\n\t\treturn err\n\t}\n\tw.observeAwards", "\tif err := w.publish(ctx, pub); err != nil {\n\t\treturn err\n\t}\n\tif err := w.writeSnapshots(ctx, out.Finals, out.Ledger...); err != nil {\n\t\treturn err\n\t}\n\tw.observeAwards"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name: "snapshot-unacknowledged",
			Why:  "nobody waits for Redis, so that a slow one slows nothing down",
			Edits: []Edit{{"internal/pipeline/snapshots.go", "\t\tif ctx.Err() != nil {\n\t\t\treturn errors.Wrapf(err, \"write %d snapshots\", len(finals))\n\t\t}\n\t\tw.tel", `		if len(finals) >= 0 {
			return nil
		}
		w.tel`}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "revocation-not-published",
			Why:    "only awards are thought of where badge events are made",
			Edits:  []Edit{{"internal/pipeline/fold.go", "\tfor i := range out.History {\n\t\tw.badge", "\tfor i := range out.History {\n\t\tif out.History[i].Revoked {\n\t\t\tcontinue\n\t\t}\n\t\tw.badge"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "dead-letter-left-out",
			Why:    "a reject has its row in Postgres, and its dead letter is forgotten",
			Edits:  []Edit{{"internal/pipeline/fold.go", "\t\tw.deadLetter(pub, &rejects[i])\n", "\t\t_ = i\n"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "note-left-out",
			Why:    "a publication does not note the rows before its own that another worker still has to publish: a Postgres that lost both folds the later one without the earlier",
			Edits:  []Edit{{"internal/pipeline/notes.go", "\t\t\tw.ledgerRow(p, row, true)\n", "\t\t\t_ = row\n"}},
			Caught: []Stage{tests("./internal/pipeline", "TestPredecessorLost"), simulated(20), simulated(150)},
		},
	}
}

// ofOffsets break how far the group's offsets move, and who is believed about
// them.
func ofOffsets() []Mutant {
	return []Mutant{
		{
			Name: "offsets-outside-transaction",
			Why:  "the offsets are committed after the Kafka transaction, as any consumer commits them: who dies in between publishes again",
			Edits: []Edit{
				{"internal/pipeline/publish.go", "\t\tw.commitOnly(req, p)\n\t\treturn nil\n", "\t\treq.Topics = nil\n\t\treturn nil\n"},
				{"internal/pipeline/publish.go", "\tif !ok {\n\t\treturn errNotCommitted\n\t}\n", `	if !ok {
		return errNotCommitted
	}
	var txn kmsg.TxnOffsetCommitRequest
	w.commitOnly(&txn, p)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.InstanceID = w.cfg.Group, kmsg.StringPtr(instance(w.cfg.Group, w.slot))
	req.MemberID, req.Generation = w.session.Client().GroupMetadata()
	for _, t := range txn.Topics {
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, o := range t.Partitions {
			part := kmsg.NewOffsetCommitRequestTopicPartition()
			part.Partition, part.Offset, part.Metadata = o.Partition, o.Offset, o.Metadata
			topic.Partitions = append(topic.Partitions, part)
		}
		req.Topics = append(req.Topics, topic)
	}
	if _, err := req.RequestWith(ctx, w.session.Client()); err != nil {
		return errors.Wrap(err, "commit the offsets")
	}
`},
			},
			Caught: []Stage{simulated(2)},
		},
		{
			Name:   "commit-all-polled",
			Why:    "the client's own commit is left as it is: it commits all that was polled, some of which still waits to be folded",
			Edits:  []Edit{{"internal/pipeline/publish.go", "\t\tw.commitOnly(req, p)\n", ""}},
			Caught: []Stage{simulated(2)},
		},
		{
			Name:   "watermark-ahead",
			Why:    "what is recovered is committed up to where the partition was read, and not up to where it is folded",
			Edits:  []Edit{{"internal/pipeline/recover.go", "projections.Position{p.TopicPartition: to}}", "projections.Position{p.TopicPartition: {Offset: p.seen}}}"}},
			Caught: []Stage{simulated(20)},
		},
		{
			Name:   "abort-trusted",
			Why:    "when a Kafka transaction does not certainly commit, the session is used on, and the client's idea of what is committed is believed",
			Edits:  []Edit{{"internal/pipeline/publish.go", "\tif err != nil {\n\t\treturn errors.Wrap(err, \"commit the Kafka transaction\")\n\t}\n\tif !ok {\n\t\treturn errNotCommitted\n\t}\n", "\tif err != nil || !ok {\n\t\tw.log.WarnContext(ctx, \"aborted: what is folded is published with the next poll\", \"error\", err)\n\t\treturn nil\n\t}\n"}},
			Caught: []Stage{simulated(20), simulated(150)},
		},
		{
			Name:   "unstable-offsets",
			Why:    "committed offsets are read without RequireStable, which is off by default: those of a transaction that is about to commit are not seen",
			Edits:  []Edit{{"internal/pipeline/position.go", "adm.FetchOffsetsForTopics(kadm.RequireStable(ctx), group", "adm.FetchOffsetsForTopics(ctx, group"}},
			Caught: []Stage{tests("./internal/pipeline", "TestUndecidedOffsets")},
		},
		{
			Name: "cursor-moved-at-assignment",
			Why:  "a hook has the client begin where Postgres stands, and not where the group's offsets do: what is folded and not published is not read again, so nobody knows whose snapshots it lacks",
			Edits: []Edit{{"internal/pipeline/worker.go", "\topts = append(opts, kgo.WithContext(living),\n", `	opts = append(opts, kgo.AdjustFetchOffsetsFn(func(ctx context.Context, from map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		ps, err := w.positions(ctx)
		for topic, ids := range from {
			for id := range ids {
				ids[id] = kgo.NewOffset().At(ps[projections.TopicPartition{Topic: topic, Partition: id}].Offset)
			}
		}
		return from, err
	}), kgo.WithContext(living),
`}},
			Caught: []Stage{simulated(20), simulated(150)},
		},
	}
}
