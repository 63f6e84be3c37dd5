package projections

import (
	"context"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// TestRowsStayUntilWritten fills the memory of a rebuild while its rows cannot be
// written: it waits. Then some leave, and are found in the table as they were,
// before anything is committed.
func TestRowsStayUntilWritten(t *testing.T) {
	t.Parallel()
	ctx, cat := t.Context(), load(t, "stride")
	w := newWorld(t, server(t), "room", cat, 1)
	number, err := w.BeginGeneration(ctx, &Rebuild{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.NewBesideFolder(w.in, cat, number, w.in.CatalogVersion).BulkFolder(ctx, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(ctx)) })
	conn, err := pgx.Connect(ctx, w.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	locked, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Exec(ctx, `LOCK TABLE `+generationSchema("room", number)+`.member IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	var keys []keyed
	fill := func() {
		for n := int32(len(keys)); !b.members.full(); n++ {
			k := rowKey{int64(n % 7), int64(n)}
			r := b.members.young.add(k)
			r.state = n
			b.members.fresh, keys = append(b.members.fresh, r), append(keys, keyed{k, n})
		}
	}
	fill()
	if err := b.makeRoom(ctx); err != nil {
		t.Fatal(err)
	}
	fill()
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if err := b.makeRoom(impatient); !errors.Is(err, context.Canceled) {
		t.Fatalf("room was made of rows that are not written: %v", err)
	}
	for _, k := range keys {
		if r := b.members.get(k.rowKey); r == nil || r.state != k.n {
			t.Fatalf("of %d rows that cannot be written, row %d is %v", len(keys), k.n, r)
		}
	}
	if err := locked.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.makeRoom(ctx); err != nil {
			t.Fatal(err)
		}
		fill()
	}
	if err := b.makeRoom(ctx); err != nil {
		t.Fatal(err)
	}
	if !b.members.missed {
		t.Fatal("no row has left")
	}
	if err := b.members.readMissing(ctx, keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if r := b.members.get(k.rowKey); r == nil || r.state != k.n || !r.stored {
			t.Errorf("row %d left, and came back as %v", k.n, r)
		}
	}
}
