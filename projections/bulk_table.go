package projections

import (
	"context"

	"github.com/badgestream/badgestream/projections/pgbatch"
)

// bulkTable is a table of a generation that is built, members or entities: the
// rows of it in memory, and what is said to Postgres about it. The table has no
// key until somebody must look for a row: row by row it costs three times as much
// as what it costs to make it of all rows at once.
type bulkTable[R any, P keyedRow[R]] struct {
	rowCache[R, P]
	tableStatements
	read  pgbatch.Row // takes a row that was looked for
	write *bulkWriter
	// key is closed once the table has its key; nil while nobody asked for it.
	key     <-chan struct{}
	missing []keyed
}

// tableStatements are what is said about members or entities.
type tableStatements struct {
	add, change, find, all pgbatch.Statement // COPY, upsert, by key, whole
	addKey                 string
	hasKey                 pgbatch.Statement
}

// needKey has the key made before all that waits to be written, unless it is there.
func (t *bulkTable[R, P]) needKey() {
	if t.key == nil {
		t.key = t.write.first(queuedJob{job: func(ctx context.Context, conn *pgbatch.Conn) error {
			return conn.Exec(ctx, t.addKey)
		}})
	}
}

// load takes rows that are committed for as long as there is room, and the keys of
// the rest.
func (t *bulkTable[R, P]) load(ctx context.Context, query func(context.Context, pgbatch.Statement, pgbatch.Row, ...[]byte) error) error {
	err := query(ctx, t.hasKey, func([][]byte) error {
		there := make(chan struct{})
		close(there)
		t.key = there
		return nil
	})
	if err != nil {
		return err
	}
	return query(ctx, t.all, func(v [][]byte) error {
		if t.full() {
			t.missed = true
			t.gone.add(readKey(v))
			return nil
		}
		return t.read(v)
	})
}

// readMissing reads those rows that are not here and may be in the table, in the
// order of their index.
func (t *bulkTable[R, P]) readMissing(ctx context.Context, keys []keyed) error {
	if !t.missed {
		return nil
	}
	t.missing = t.missing[:0]
	for _, k := range keys {
		if t.get(k.rowKey) == nil && t.mayBeStored(k.rowKey) {
			t.missing = append(t.missing, k)
		}
	}
	if len(t.missing) == 0 {
		return nil
	}
	return t.lookFor(ctx, inOrder(t.missing))
}

// lookFor reads rows that were written, committed or not.
func (t *bulkTable[R, P]) lookFor(ctx context.Context, sorted []keyed) error {
	t.needKey()
	if err := t.write.await(ctx, t.key); err != nil {
		return err
	}
	return t.write.await(ctx, t.write.first(queuedJob{limit: foldTime, job: func(ctx context.Context, conn *pgbatch.Conn) error {
		pipe := conn.Begin()
		cols := make([]pgbatch.Column, 2)
		pipe.AddParts(t.find, t.read, parts(len(sorted), func(from, to int) [][]byte {
			start(cols, pgbatch.Int8, pgbatch.Int8)
			for _, k := range sorted[from:to] {
				cols[0].AddInt8(k.user)
				cols[1].AddInt8(k.row)
			}
			return params(cols)
		}))
		return pipe.Run(ctx)
	}}))
}

// copy gives the writer the rows that are new. Where there is a key, neighbours
// in it follow one another.
func (t *bulkTable[R, P]) copy() error {
	types := P(nil).types()
	if t.key != nil {
		sortRows(t.fresh)
	}
	err := inParts(t.fresh, func(part []P) error {
		rows := t.write.rows(len(types))
		for _, r := range part {
			rows.Row()
			r.write(rows)
			*r.inTable() = storedRow{stored: true}
		}
		return t.write.copy(t.add, rows)
	})
	t.fresh = t.fresh[:0]
	return err
}

// set gives the writer the rows that are other than they are stored.
func (t *bulkTable[R, P]) set() error {
	if len(t.dirty) == 0 {
		return nil
	}
	t.needKey()
	types := P(nil).types()
	sortRows(t.dirty)
	err := inParts(t.dirty, func(part []P) error {
		row := columnRow{cols: make([]pgbatch.Column, len(types))}
		start(row.cols, types...)
		for _, r := range part {
			row.next = 0
			r.write(&row)
			r.inTable().dirty = false
		}
		return t.write.run(t.change, params(row.cols)...)
	})
	t.dirty = t.dirty[:0]
	return err
}

// makeRoom makes the rows leave that were not asked for lately. All that are new
// are written, and those that have changed if they would take much of the room.
func (t *bulkTable[R, P]) makeRoom() error {
	if err := t.copy(); err != nil {
		return err
	}
	if len(t.dirty) >= t.limit/8 {
		if err := t.set(); err != nil {
			return err
		}
	}
	t.rotate()
	return nil
}

// inParts calls f with a few items of a list after the other.
func inParts[T any](list []T, f func([]T) error) error {
	for len(list) > 0 {
		n := min(bulkRows, len(list))
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
