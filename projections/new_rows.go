package projections

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// sortMembers says which members go where: those that the table may have are
// upserted, with their time or without, and those that it does not have are
// copied into it, if they are many. Each are in the order of the index.
func (f *Folder) sortMembers(ops []processor.MemberOp) {
	a := &f.answers
	a.plain, a.timed, a.fresh = a.plain[:0], a.timed[:0], a.fresh[:0]
	for i := range ops {
		op := &ops[i]
		k := keyed{f.rowKey(op.User, op.Collection, op.Entity, op.Member), int32(i)}
		if f.known.isNew(k.rowKey) {
			a.fresh = append(a.fresh, k)
		} else {
			f.upsert(op, k)
		}
	}
	if len(a.fresh) < manyNew {
		for _, k := range a.fresh {
			f.upsert(&ops[k.n], k)
		}
		a.fresh = a.fresh[:0]
	}
	a.plain, a.timed, a.fresh = inOrder(a.plain), inOrder(a.timed), inOrder(a.fresh)
}

func (f *Folder) upsert(op *processor.MemberOp, k keyed) {
	if a := &f.answers; f.cat.Collections[op.Collection].ByTime {
		a.timed = append(a.timed, k)
	} else {
		a.plain = append(a.plain, k)
	}
}

// copyNewMembers writes the members that are new, and answers for them.
func (f *Folder) copyNewMembers(ctx context.Context, ops []processor.MemberOp) error {
	return copyNew(ctx, f, f.stmts.newMembers, f.answers.fresh, func(k keyed) memberRow {
		op := &ops[k.n]
		row, prior := memberRow{key: k.rowKey, at: processor.NoTime, state: op.Next.IfAbsent, coll: op.Collection}, processor.MemberPrior{State: processor.Absent}
		if f.cat.Collections[op.Collection].ByTime {
			row.at, prior.At = op.At, processor.NoTime
		}
		f.answers.members[k.n] = prior
		return row
	})
}

// copyNew copies rows into their table.
func copyNew[R any, P keyedRow[R]](ctx context.Context, f *Folder, stmt pgbatch.Statement, which []keyed, rowOf func(keyed) R) error {
	if len(which) == 0 {
		return nil
	}
	row := P(new(R))
	f.copied.Start(len(row.types()))
	for _, k := range which {
		*row = rowOf(k)
		f.copied.Row()
		row.write(&f.copied)
	}
	return f.conn.Copy(ctx, stmt, &f.copied)
}

// sortEntities says which entities are upserted, and which are copied.
func (f *Folder) sortEntities(ops []processor.EntityOp) {
	a := &f.answers
	a.there, a.made = a.there[:0], a.made[:0]
	for i := range ops {
		op := &ops[i]
		k := keyed{f.rowKey(op.User, op.Collection, op.Entity, ""), int32(i)}
		if f.known.isNew(k.rowKey) {
			a.made = append(a.made, k)
		} else {
			a.there = append(a.there, k)
		}
	}
	if len(a.made) < manyNew {
		a.there, a.made = append(a.there, a.made...), a.made[:0]
	}
	a.there, a.made = inOrder(a.there), inOrder(a.made)
}

// copyNewEntities writes the entities that are new, and answers for them.
func (f *Folder) copyNewEntities(ctx context.Context, ops []processor.EntityOp) error {
	return copyNew(ctx, f, f.stmts.newEntities, f.answers.made, func(k keyed) entityRow {
		op := &ops[k.n]
		f.answers.entities[k.n] = processor.EntityRow{Prior: processor.Absent, Sums: op.Add}
		return entityRow{key: k.rowKey, sums: op.Add, state: op.Next.IfAbsent, coll: op.Collection}
	})
}

// notNew says that a row was copied that its table has.
func notNew(err *pgconn.PgError) bool {
	return err.Code == uniqueViolation && (err.TableName == "member" || err.TableName == "entity")
}
