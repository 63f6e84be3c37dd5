package memredis

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/internal/simtest/fault"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// Source is where a refresh reads all rows from.
type Source interface {
	Alone(ctx context.Context, purpose string, f func() error) error
	Positions(ctx context.Context, topics ...string) ([]projections.Standing, error)
	Rows(ctx context.Context) ([]processor.Final, error)
}

// Writer is snapshots.Writer.
type Writer struct {
	server   *Server
	link     fault.Link
	source   Source
	cat      *catalog.Catalog
	in       projections.Installed
	expected map[projections.TopicPartition]projections.Position
}

var _ pipeline.Snapshots = (*Writer)(nil)

// NewWriter makes a writer of what is folded by the catalogue as installed.
func (s *Server) NewWriter(link fault.Link, source Source, cat *catalog.Catalog, in projections.Installed) *Writer {
	return &Writer{s, link, source, cat, in, map[projections.TopicPartition]projections.Position{}}
}

// command is one round trip.
func (w *Writer) command(ctx context.Context, request string, f func(*memory)) error {
	fate := w.link.Send(ctx, request)
	if err := ctx.Err(); err != nil {
		return errors.Wrap(err, request)
	}
	if fate != fault.Fails {
		w.server.mu.Lock()
		f(&w.server.memory)
		w.server.mu.Unlock()
	}
	if fate != fault.Works {
		return errors.Wrap(fault.ErrBroken, request)
	}
	return nil
}

// Expect is snapshots.Writer.Expect.
func (w *Writer) Expect(ctx context.Context, p projections.TopicPartition, k projections.Position) error {
	if k == (projections.Position{}) {
		err := w.command(ctx, "begin the marker", func(m *memory) {
			if _, ok := m.marks[p]; !ok {
				m.marks[p] = k
			}
		})
		if err != nil {
			return err
		}
	}
	w.expected[p] = k
	return nil
}

// Forget is snapshots.Writer.Forget.
func (w *Writer) Forget(p projections.TopicPartition) { delete(w.expected, p) }

// Write is snapshots.Writer.Write: the snapshots, and then the marker.
func (w *Writer) Write(ctx context.Context, finals []processor.Final, from ...projections.LedgerRow) error {
	if len(finals) > 0 {
		texts := make([]string, len(finals))
		for i := range finals {
			texts[i] = w.text(&finals[i])
		}
		err := w.command(ctx, "write snapshots", func(m *memory) {
			m.epoch = max(m.epoch, w.in.Epoch)
			for i := range finals {
				m.set(finals[i].User, texts[i])
			}
		})
		if err != nil {
			return err
		}
	}
	if len(from) == 0 {
		return nil
	}
	lost, moved := false, map[projections.TopicPartition]projections.Position{}
	err := w.command(ctx, "move the marker on", func(m *memory) {
		for i := range from {
			p, to := from[i].TopicPartition, from[i].To
			stands, there := m.marks[p]
			expected, expects := w.expected[p]
			if expects && (!there || compare(stands, expected) < 0) {
				lost = true
				continue
			}
			if !there || compare(stands, to) < 0 {
				m.marks[p] = to
			}
			moved[p] = to
		}
	})
	if err != nil {
		return err
	}
	maps.Copy(w.expected, moved)
	if lost {
		return snapshots.ErrRefreshNeeded
	}
	return nil
}

func (w *Writer) text(f *processor.Final) string {
	var s schemas.Snapshot
	processor.FillSnapshot(w.cat, f, &s)
	s.Epoch, s.Catalog = w.in.Epoch, int64(w.in.CatalogVersion)
	return string(s.Append(nil))
}

// Check is snapshots.Writer.Check.
func (w *Writer) Check(ctx context.Context) error {
	if len(w.expected) == 0 {
		return nil
	}
	lost := false
	err := w.command(ctx, "read the marker", func(m *memory) {
		for p, k := range w.expected {
			stands, there := m.marks[p]
			lost = lost || !there || compare(stands, k) < 0
		}
	})
	if err == nil && lost {
		err = snapshots.ErrRefreshNeeded
	}
	return err
}

// Distrust is snapshots.Writer.Distrust.
func (w *Writer) Distrust(ctx context.Context, p projections.TopicPartition, before projections.Position) error {
	w.expected[p] = before
	return w.command(ctx, "take back a mark", func(m *memory) { delete(m.marks, p) })
}

// WriteCatalog is snapshots.Writer.WriteCatalog.
func (w *Writer) WriteCatalog(ctx context.Context) error {
	return w.command(ctx, "write the catalogue's view", func(m *memory) { m.view = max(m.view, w.in.CatalogVersion) })
}

// NextEpoch is snapshots.Writer.NextEpoch.
func (w *Writer) NextEpoch(ctx context.Context) (epoch int64, err error) {
	err = w.command(ctx, "draw an epoch", func(m *memory) {
		m.epoch = max(m.epoch, w.in.Epoch) + 1
		epoch = m.epoch
	})
	return epoch, err
}

const page = 50

// Refresh is snapshots.Writer.Refresh, with smaller pages.
func (w *Writer) Refresh(ctx context.Context) (users int64, err error) {
	err = w.source.Alone(ctx, "refresh", func() error {
		users, err = w.refresh(ctx)
		return err
	})
	return users, err
}

func (w *Writer) refresh(ctx context.Context) (int64, error) {
	if err := w.WriteCatalog(ctx); err != nil {
		return 0, err
	}
	standing, err := w.source.Positions(ctx)
	if err != nil {
		return 0, err
	}
	turn := "begun"
	if err := w.command(ctx, "begin the refresh", func(m *memory) { m.turn = turn }); err != nil {
		return 0, err
	}
	rows, err := w.source.Rows(ctx)
	if err != nil {
		return 0, err
	}
	for n := 0; n < len(rows); {
		to := min(len(rows), n+page)
		if err := w.Write(ctx, rows[n:to]); err != nil {
			return int64(n), err
		}
		n = to
		next, passed := fmt.Sprint(n), false
		err := w.command(ctx, "pass the turn on", func(m *memory) {
			if passed = m.turn == turn || m.turn == next; passed {
				m.turn = next
			}
		})
		if err == nil && !passed {
			err = snapshots.ErrRefreshNeeded
		}
		if err != nil {
			return int64(n), err
		}
		turn = next
	}
	return int64(len(rows)), w.finish(ctx, standing, turn)
}

func (w *Writer) finish(ctx context.Context, standing []projections.Standing, turn string) error {
	done := false
	err := w.command(ctx, "set the marker", func(m *memory) {
		if done = m.turn == turn; !done {
			return
		}
		for i := range standing {
			p := standing[i].TopicPartition
			if stands, ok := m.marks[p]; !ok || compare(stands, standing[i].Position) < 0 {
				m.marks[p] = standing[i].Position
			}
		}
	})
	if err == nil && !done {
		err = snapshots.ErrRefreshNeeded
	}
	return err
}

func compare(a, b projections.Position) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Step, b.Step))
}
