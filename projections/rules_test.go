package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

const noon = int64(1_770_000_000_000_000)

// TestTouchingRowsOrders checks rules 1 and 3 of the fold: a transaction that
// only touches a row, even one that is not there, or that it leaves as it is,
// makes every other that touches it wait, and get its number after it. The
// database's default isolation is the strictest, which the fold must not use.
func TestTouchingRowsOrders(t *testing.T) {
	t.Parallel()
	cat, url := load(t, "stride"), server(t)
	setup := []act{
		{"stride.run.logged", "u1", `{"run":"there","metres":5,"surface":"road"}`, noon},
		{"stride.home.moved", "u1", `{"altitude":100}`, noon},
		{"stride.route.shared", "u1", `{"route":"there"}`, noon},
		{"stride.session.changed", "u1", `{"session":"there","state":"done"}`, noon},
	}
	for name, pair := range map[string][2]act{
		"a removal of what was never there": {
			{"stride.session.dropped", "u1", `{"session":"s"}`, noon},
			{"stride.session.changed", "u1", `{"session":"s","state":"done"}`, noon}},
		"two removals of what was never there": {
			{"stride.session.dropped", "u1", `{"session":"s"}`, noon},
			{"stride.session.dropped", "u1", `{"session":"s"}`, noon}},
		"a deletion of what was never there": {
			{"stride.run.removed", "u2", `{"run":"r","runner":"u1"}`, noon},
			{"stride.run.logged", "u1", `{"run":"r","metres":5,"surface":"road"}`, noon}},
		"a value that is there already": {
			{"stride.session.changed", "u1", `{"session":"there","state":"done"}`, noon},
			{"stride.session.dropped", "u1", `{"session":"there"}`, noon}},
		"a gauge that came late and loses": {
			{"stride.home.moved", "u1", `{"altitude":7}`, noon - 5},
			{"stride.home.moved", "u1", `{"altitude":8}`, noon + 5}},
		"a deletion of a thing that was never there": {
			{"stride.route.withdrawn", "u2", `{"route":"x","owner":"u1"}`, noon},
			{"stride.route.starred", "u3", `{"route":"x","owner":"u1","stars":3}`, noon}},
		"a creation of a thing that is there": {
			{"stride.route.shared", "u1", `{"route":"there"}`, noon},
			{"stride.route.starred", "u3", `{"route":"there","owner":"u1","stars":3}`, noon}},
		"counters of one user": {
			{"stride.points.earned", "u1", `{"points":5}`, noon},
			{"stride.points.spent", "u1", `{"points":5}`, noon}},
		"places": {
			{"stride.runner.upgraded", "u1", `{}`, noon},
			{"stride.runner.upgraded", "u2", `{}`, noon}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, url, name[:min(len(name), maxGroupBytes)], cat, 3)
			w.gate()
			w.exec(fmt.Sprintf(`ALTER DATABASE %s SET default_transaction_isolation = 'serializable'`, strings.TrimSpace(w.text(`SELECT quote_ident(current_database())`))))
			w.start("setup", 2, 0, setup...).wait()
			release := w.stop()
			first := w.start("first", 0, 0, pair[0])
			w.blocks("", "first")
			second := w.start("second", 1, 0, pair[1])
			w.blocks("first", "second")
			release()
			a, b := first.wait(), second.wait()
			if a.Ledger[0].Number >= b.Ledger[0].Number {
				t.Errorf("the second has number %d, the first %d", b.Ledger[0].Number, a.Ledger[0].Number)
			}
			if b.Attempts != 1 {
				t.Errorf("the second needed %d attempts: it did not run at READ COMMITTED", b.Attempts)
			}
		})
	}
}

// TestNumbersComeLast checks rule 3 in a transaction over several partitions:
// numbers are drawn in the order of its ranges, after everything else.
func TestNumbersComeLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "rule3", load(t, "stride"), 4)
	w.gate()
	work := w.works(3, 0, act{"stride.points.earned", "u1", `{"points":5}`, noon})
	for _, p := range []int32{1, 2, 0} {
		work.Ranges = append(work.Ranges, Range{TopicPartition{"activity", p}, Position{}, Position{Offset: 1}})
	}
	out, err := w.folder().Fold(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []int32{3, 1, 2, 0} {
		if row := out.Ledger[i]; row.Partition != p || row.Number != out.Ledger[0].Number+int64(i) {
			t.Errorf("ledger row %d: %+v", i, row)
		}
	}
	// The next transaction waits for a user's row: it has no number meanwhile.
	blocked := w.start("holder", 0, 1, act{"stride.points.earned", "u2", `{"points":5}`, noon})
	blocked.wait()
	last := w.text(`SELECT last_value FROM BASE.ledger_number`)
	release := w.stop()
	first := w.start("first", 0, 2, act{"stride.points.earned", "u2", `{"points":5}`, noon})
	w.blocks("", "first")
	same(t, "the sequence while a transaction waits for the ledger", last, w.text(`SELECT last_value FROM BASE.ledger_number`))
	release()
	first.wait()
	if cache := w.text(`SELECT seqcache FROM pg_sequence WHERE seqrelid = 'BASE.ledger_number'::regclass`); strings.TrimSpace(cache) != "1" {
		t.Errorf("the ledger's sequence has CACHE %s", cache)
	}
}

// TestRegimeIsExclusive checks rule 5: a catalogue is installed when no fold
// is in flight, and folds by the one before do nothing from then on.
func TestRegimeIsExclusive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "rule5", load(t, "stride"), 2)
	w.gate()
	other := parse(t, strings.Replace(string(w.cat.Text), "name: Trail Fox", "name: Sly Fox", 1))
	old := w.folder()
	release := w.stop()
	first := w.start("first", 0, 0, act{"stride.points.earned", "u1", `{"points":5}`, noon})
	w.blocks("", "first")
	installed := make(chan error, 1)
	go func() {
		in, err := w.InstallCatalog(t.Context(), other)
		if err == nil && (in.CatalogVersion != 2 || !in.New) {
			err = fmt.Errorf("installed as %+v", in)
		}
		installed <- err
	}()
	w.blocks("first", "badgestream setup")
	release()
	if err := <-installed; err != nil {
		t.Fatal(err)
	}
	if row := first.wait().Ledger[0]; row.CatalogVersion != 1 {
		t.Errorf("ledger row %+v", row)
	}
	before := w.state()
	_, err := old.Fold(t.Context(), w.works(1, 0, act{"stride.points.earned", "u1", `{"points":5}`, noon}))
	var changed *RegimeChanged
	if !errors.As(err, &changed) || changed.Found.CatalogVersion != 2 {
		t.Fatalf("a fold by the old catalogue: %v", err)
	}
	same(t, "after a fold by the old catalogue", before, w.state())
	same(t, "name of the badge", "Sly Fox\n", w.text(`SELECT name FROM BASE.badge WHERE slug = 'trail-fox'`))
}

// TestStartWaitsForNoFold installs the catalogue that is there already, as
// every process does at its start, while a fold is in flight.
func TestStartWaitsForNoFold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "start", load(t, "stride"), 1)
	w.gate()
	release := w.stop()
	fold := w.start("fold", 0, 0, act{"stride.points.earned", "u1", `{"points":5}`, noon})
	w.blocks("", "fold")
	starting, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	if in, err := w.InstallCatalog(starting, w.cat); err != nil || in.New {
		t.Errorf("installed as %+v: %v", in, err)
	}
	release()
	fold.wait()
}

// TestWhatIsAcceptedIsStored checks rule 7: hostile events are refused before
// Postgres, or stored; none makes it refuse the batch.
func TestWhatIsAcceptedIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "rule7", load(t, "stride"), 1)
	long := make([]byte, 0, schemas.MaxIDBytes+10)
	for i := range cap(long) {
		long = append(long, "abcdefghijklmnopqrstuvwxyz0123456789"[(i*i*7+i*13+i/36)%36])
	}
	ids := []string{"u", " ", `\u0000`, "\x00", "\xff\xfe", `\ud800`, "é\u0301\u202e", "\U0001F600", `\\`, `'`, `{}`, string(long[:schemas.MaxIDBytes]), string(long), "NULL", "\t"}
	times := []string{"2026-03-01T12:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00", "2026-03-01T12:00:00.123456789Z"}
	work := w.works(0, 0)
	accepted, refused := 0, 0
	window := processor.NewWindow(100)
	for i, subject := range ids {
		for k, thing := range ids {
			for n, kind := range []string{`"stride.route.starred","data":{"route":"%s","owner":"%s","stars":3}`, `"stride.home.moved","data":{"altitude":8849}`, `"stride.runner.joined","data":{}`} {
				data := kind
				if strings.Contains(kind, "%s") {
					data = fmt.Sprintf(kind, thing, ids[(i+k)%len(ids)])
				}
				at := times[(i+k+n)%len(times)]
				text := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"%s","subject":"%s","time":"%s","type":%s}`, accepted, thing, subject, at, data)
				if addText(work, text, int64(accepted), window) {
					accepted++
				} else {
					refused++
				}
			}
		}
	}
	if accepted < 100 || refused < 100 {
		t.Fatalf("%d events accepted and %d refused: this tests nothing", accepted, refused)
	}
	work.Rejects = append(work.Rejects, Reject{TopicPartition: work.Ranges[0].TopicPartition, Offset: int64(accepted), Reason: schemas.ReasonMalformed,
		Detail: "\x00\xff", Key: []byte("\x00\xff"), Value: nil, Headers: []schemas.Header{{Key: "\xff\x00", Value: []byte{0}}, {Key: ""}}, Timestamp: -1 << 62})
	work.Ranges[0].To.Offset = int64(accepted) + 1
	if _, err := w.folder().Fold(t.Context(), work); err != nil {
		t.Fatalf("Postgres refused what was accepted: %v", err)
	}
	err := w.Rejects(t.Context(), work.Ranges[0].TopicPartition, 0, 1<<62, func(r *Reject) error {
		if string(r.Key) != "\x00\xff" || r.Value != nil || len(r.Headers) != 2 || r.Headers[0].Key != "\xff\x00" || string(r.Headers[0].Value) != "\x00" ||
			r.Headers[1].Value != nil || r.Timestamp != -1<<62 || r.Reason != schemas.ReasonMalformed || r.Offset != int64(accepted) {
			t.Errorf("the reject was read as %+v", r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Users(w.in, w.cat).Count(t.Context()); err != nil || n < 5 {
		t.Errorf("%d users: %v", n, err)
	}
}

// addText decodes a structured event and adds it, if it is one.
func addText(work *Work, text string, offset int64, window *processor.Window) bool {
	var ev schemas.Event
	if err := schemas.DecodeStructured([]byte(text), &ev); err != nil {
		return false
	}
	src := processor.Source{Topic: "activity", Offset: offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
	_, err := work.Batch.Add(&ev, src, window)
	return err == nil
}
