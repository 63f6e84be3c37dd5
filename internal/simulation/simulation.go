// Package simulation folds a file of events in memory, with no servers: what
// one partition with these records would give.
package simulation

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/ndjson"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// Config says what to fold by.
type Config struct {
	Catalog *catalog.Catalog
	// Batch is how many events are folded at once: it does not show.
	Batch int
	// Group and Topic stand in the badge events, as they would if the lines
	// were partition 0 of the topic and the group folded it.
	Group, Topic string
}

// Output is where results go.
type Output struct {
	// Badges takes the badge events, one JSON a line.
	Badges io.Writer
	// Rejected is called for each line that is no valid event, in order.
	Rejected func(line int64, why *schemas.Reject) error
}

// Summary counts lines and what they did.
type Summary struct {
	Lines, Folded, Duplicates, Unknown, Ticks, Rejected int64
	Users, Awarded, Revoked                             int64
}

func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d lines: %d folded", s.Lines, s.Folded)
	for _, part := range []struct {
		n    int64
		what string
	}{{s.Duplicates, "duplicates"}, {s.Unknown, "of unknown types"}, {s.Ticks, "ticks"}, {s.Rejected, "rejected"}} {
		if part.n > 0 {
			fmt.Fprintf(&b, ", %d %s", part.n, part.what)
		}
	}
	fmt.Fprintf(&b, "; %d users, %d badges awarded, %d revoked", s.Users, s.Awarded, s.Revoked)
	return b.String()
}

// maxBatchBytes bounds the text that one batch holds on to.
const maxBatchBytes = 32 << 20

// Simulation is a fold in memory. It is used by one goroutine.
type Simulation struct {
	cfg    Config
	out    Output
	memory *processor.Memory
	window *processor.Window
	batch  *processor.Batch
	events int   // in the batch
	bytes  int64 // that the batch holds on to
	badge  []byte
	sum    Summary
}

// New makes a simulation in which nothing has happened yet.
func New(cfg Config, out Output) *Simulation {
	return &Simulation{
		cfg: cfg, out: out,
		memory: processor.NewMemory(cfg.Catalog),
		window: processor.NewWindow(cfg.Catalog.DedupeWindow),
		batch:  processor.New(cfg.Catalog),
	}
}

// Run folds all lines of in, the first as offset 0, and counts what they did.
// The error is the input's, the output's or the context's.
func (s *Simulation) Run(ctx context.Context, in io.Reader) (Summary, error) {
	lines := ndjson.NewReader(in, schemas.MaxValueBytes)
	for {
		if s.sum.Lines%1024 == 0 && ctx.Err() != nil {
			return s.sum, context.Cause(ctx)
		}
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s.sum, errors.Wrapf(err, "reading line %d", s.sum.Lines+1)
		}
		if err := s.fold(line); err != nil {
			return s.sum, err
		}
	}
	err := s.flush()
	s.memory.Users(func(processor.Final) { s.sum.Users++ })
	return s.sum, err
}

// fold takes one line, and folds the batch if that fills it.
func (s *Simulation) fold(line ndjson.Line) error {
	s.sum.Lines++
	src, verdict, err := s.add(line)
	var reject *schemas.Reject
	if errors.As(err, &reject) {
		s.sum.Rejected++
		return s.out.Rejected(line.Number, reject)
	}
	if err != nil {
		return err
	}
	switch verdict {
	case processor.Duplicate:
		s.sum.Duplicates++
	case processor.Unknown:
		s.sum.Unknown++
	case processor.Tick:
		s.sum.Ticks++
		return s.tick(src)
	case processor.Folded:
		s.sum.Folded++
		s.events++
		s.bytes += int64(len(line.Text))
		if s.events >= s.cfg.Batch || s.bytes >= maxBatchBytes {
			return s.flush()
		}
	}
	return nil
}

func (s *Simulation) add(line ndjson.Line) (processor.Source, processor.Verdict, error) {
	if line.Size > int64(len(line.Text)) {
		return processor.Source{}, processor.Unknown, &schemas.Reject{Reason: schemas.ReasonTooLarge,
			Detail: fmt.Sprintf("the value has %d bytes; %d are allowed", line.Size, schemas.MaxValueBytes)}
	}
	var ev schemas.Event
	if err := schemas.DecodeStructured(line.Text, &ev); err != nil {
		return processor.Source{}, processor.Unknown, err
	}
	if _, known := s.cfg.Catalog.Types[ev.Type]; known && !ev.HasTime {
		return processor.Source{}, processor.Unknown, &schemas.Reject{Reason: schemas.ReasonAttribute,
			Detail: "time is missing; a line of a file has no other"}
	}
	src := processor.Source{Topic: s.cfg.Topic, Offset: line.Number - 1, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
	verdict, err := s.batch.Add(&ev, src, s.window)
	return src, verdict, err
}

// flush folds the batch, writes its badge events and empties it.
func (s *Simulation) flush() error {
	if s.events == 0 {
		return nil
	}
	if err := s.memory.Fold(s.batch); err != nil {
		return err
	}
	return s.write()
}

func (s *Simulation) tick(src processor.Source) error {
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.memory.Tick(s.batch, src); err != nil {
		return err
	}
	return s.write()
}
