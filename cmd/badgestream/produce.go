package main

import (
	"context"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/feed"
	"github.com/badgestream/badgestream/internal/ndjson"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/schemas"
)

// maxRawBytes bounds a line of produce --raw: more than any topic takes.
const maxRawBytes = 64 << 20

// produceFlags are those of produce alone.
type produceFlags struct {
	file                string
	rate                float64
	raw, binary, strict bool
}

func newProduce(s *settings.Settings) *cobra.Command {
	var f produceFlags
	cmd := &cobra.Command{
		Use:   "produce --file FILE",
		Short: "Send a file of events to the activity topic",
		Long: `produce reads structured CloudEvents, one JSON a line, and writes them to the
activity topic, keyed by subject and in the order of the file: idempotently, to
the partitions that Kafka's own producers choose.

Lines that the engine would reject by the catalogue are reported on standard
error and not sent; the exit status is 0 all the same, unless --strict is given.
With --raw every line is sent as it is, keyed by its subject where one can be
read. Ctrl-C delivers what was accepted, and says how far it came.`,
		Example: `  badgestream produce --file events.ndjson
  badgestream produce --file - --rate 100 < events.ndjson
  badgestream produce --file broken.ndjson --raw`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return produce(cmd, s, f) },
	}
	cmd.Flags().StringVar(&f.file, "file", "", "`file` of events, or - for standard input (required)")
	cmd.Flags().Float64Var(&f.rate, "rate", 0, "the most events a second; 0 is as many as go")
	cmd.Flags().BoolVar(&f.raw, "raw", false, "send every line as it is, valid or not")
	cmd.Flags().BoolVar(&f.binary, "binary", false, "send in binary mode: attributes as headers, data as value")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "exit with status 1 if a line was not sent")
	return cmd
}

func produce(cmd *cobra.Command, s *settings.Settings, f produceFlags) error {
	switch {
	case f.rate < 0:
		return usage(errors.Newf("--rate: %g is no rate: it is 0 or more", f.rate))
	case f.raw && f.binary:
		return usage(errors.New("--raw and --binary cannot go together: what is sent as it is, is not taken apart"))
	}
	in, err := openInput(cmd, "file", f.file)
	if err != nil {
		return err
	}
	defer closeInput(in)
	cat, err := catalog.Load(s.Catalog)
	if err != nil {
		return err
	}
	sender, err := feed.OpenSender(cmd.Context(), s.Brokers, s.ActivityTopic, f.rate)
	if err != nil {
		return err
	}
	defer sender.Close()
	p := &production{
		flags: f, catalog: cat, sender: sender, errOut: cmd.ErrOrStderr(),
		bar: newBar(cmd.ErrOrStderr(), inputSize(in)), began: time.Now(),
	}
	return p.run(cmd.Context(), in, s.ActivityTopic)
}

// production is one run of produce.
type production struct {
	flags    produceFlags
	catalog  *catalog.Catalog
	sender   *feed.Sender
	errOut   io.Writer
	bar      *bar
	began    time.Time
	last     int64 // number of the last line read
	rejected int64
}

func (p *production) run(ctx context.Context, in io.Reader, topic string) error {
	failed := p.sendAll(ctx, in)
	unfinished := p.sender.Finish()
	p.reportTooLarge()
	p.bar.clear()
	took := time.Since(p.began).Seconds()
	tell(p.errOut, "%d events delivered to %s in %.1f s (%.0f/s), up to line %d; %d lines not sent\n",
		p.sender.Delivered(), topic, took, float64(p.sender.Delivered())/max(took, 0.001), p.last, p.rejected)
	switch {
	case failed != nil && ctx.Err() != nil && unfinished == nil:
		return errors.Newf("interrupted after line %d: all events up to it are delivered", p.last)
	case unfinished != nil:
		return unfinished
	case failed != nil:
		return failed
	case p.flags.strict && p.rejected > 0:
		return errors.Newf("%d lines were not sent, and --strict allows none", p.rejected)
	}
	return nil
}

func (p *production) sendAll(ctx context.Context, in io.Reader) error {
	lines := ndjson.NewReader(in, maxRawBytes)
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Wrapf(err, "reading line %d", p.last+1)
		}
		record, why := p.record(line)
		if why != nil {
			p.reject(line.Number, why)
		} else if err := p.sender.Send(ctx, line.Number, record); err != nil {
			return err
		}
		p.last = line.Number
		p.bar.show(lines.BytesRead(), p.sender.Delivered())
	}
}

// record makes a line's record, or says why it has none.
func (p *production) record(line ndjson.Line) (*kgo.Record, error) {
	var ev schemas.Event
	if line.Size > int64(len(line.Text)) {
		return nil, errors.Newf("too-large: the line has %d bytes; no topic takes so many", line.Size)
	}
	err := feed.Check(p.catalog, line.Text, &ev)
	switch {
	case p.flags.raw:
		return feed.Structured(line.Text, feed.Subject(line.Text)), nil
	case err != nil:
		return nil, err
	case p.flags.binary:
		return feed.Binary(line.Text, &ev)
	}
	return feed.Structured(line.Text, ev.Subject), nil
}

func (p *production) reject(line int64, why error) {
	p.rejected++
	p.bar.clear()
	tell(p.errOut, "line %d: %s\n", line, why)
}

func (p *production) reportTooLarge() {
	for _, line := range p.sender.TooLarge() {
		p.reject(line, errors.New("too-large: the topic takes no record of this size (max.message.bytes)"))
	}
}
