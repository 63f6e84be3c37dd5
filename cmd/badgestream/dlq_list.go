package main

import (
	"bufio"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/deadletters"
	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// listFlags are those of dlq list alone.
type listFlags struct {
	letterFlags
	counts, byType, json bool
	limit                int
	after                string
}

func newDLQList(s *settings.Settings) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, or count them",
		Long: `list shows dead letters by where they stood, a page at a time, each with its
reason and what became of it: open, discarded, waiting (appended to the log
again and not folded yet), redriven, or rejected-again. --counts counts them by
reason and state, --by-type also by the event type that each names, for which
every letter is read.`,
		Example: `  badgestream dlq list
  badgestream dlq list --reason data --since 24h --limit 10
  badgestream dlq list --after activity/0@2571
  badgestream dlq list --counts --by-type
  badgestream dlq list --state open --json | jq -r .place`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			if f.limit < 1 {
				return usage(errors.New("--limit must be 1 or more"))
			}
			after := projections.Place{}
			if f.after != "" {
				if after, err = deadletters.ParsePlace(f.after, s.ActivityTopic); err != nil {
					return usage(err)
				}
			}
			store, err := projections.Open(cmd.Context(), s.Postgres, s.Group)
			if err != nil {
				return err
			}
			defer store.Close()
			out := bufio.NewWriter(cmd.OutOrStdout())
			defer func() { err = errors.CombineErrors(err, errors.Wrap(out.Flush(), "writing dead letters")) }()
			if f.counts || f.byType {
				return countLetters(cmd, out, store, filter, &f)
			}
			return listLetters(cmd, out, store, filter, after, &f)
		},
	}
	f.bind(cmd.Flags(), true)
	cmd.Flags().IntVar(&f.limit, "limit", 50, "the most letters to show")
	cmd.Flags().StringVar(&f.after, "after", "", "go on after this `letter`")
	cmd.Flags().BoolVar(&f.counts, "counts", false, "count instead, by reason and state")
	cmd.Flags().BoolVar(&f.byType, "by-type", false, "count by event type too")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON a line")
	return cmd
}

func countLetters(cmd *cobra.Command, out io.Writer, store *projections.Store, filter deadletters.Filter, f *listFlags) error {
	list, err := deadletters.Counts(cmd.Context(), store, filter, f.byType)
	if err != nil {
		return err
	}
	total := int64(0)
	for i := range list {
		c := &list[i]
		total += c.N
		if f.json {
			err = printJSON(out, c)
		} else {
			_, err = fmt.Fprintf(out, "%8d  %-12s  %-14s  %s to %s  %s\n", c.N, c.Reason, c.State, c.From, c.To, harmless(c.Type))
		}
		if err != nil {
			return errors.Wrap(err, "writing dead letters")
		}
	}
	tell(cmd.ErrOrStderr(), "%d dead letters\n", total)
	return nil
}

func listLetters(cmd *cobra.Command, out io.Writer, store *projections.Store, filter deadletters.Filter, after projections.Place, f *listFlags) error {
	shown, last := 0, ""
	more := false
	err := deadletters.Each(cmd.Context(), store, filter, after, func(l *projections.Letter) (bool, error) {
		if shown == f.limit {
			more = true
			return false, nil
		}
		shown++
		last = deadletters.FormatPlace(l.Place())
		if f.json {
			return true, printJSON(out, letterJSON(l, false))
		}
		sketch := deadletters.Read(l)
		_, err := fmt.Fprintf(out, "%s  %s  %-12s  %-14s  %s %s  %s\n", last, deadletters.FormatTimestamp(l.Timestamp), l.Reason, l.State,
			harmless(sketch.Type), harmless(sketch.ID), harmless(l.Detail))
		return true, err
	})
	if err != nil {
		return err
	}
	if more {
		tell(cmd.ErrOrStderr(), "there are more: go on with --after %s\n", last)
	} else {
		tell(cmd.ErrOrStderr(), "%d dead letters\n", shown)
	}
	return nil
}

// letterView is a letter for programs.
type letterView struct {
	Place     string                  `json:"place"`
	Reason    schemas.Reason          `json:"reason"`
	Detail    string                  `json:"detail"`
	State     projections.LetterState `json:"state"`
	Timestamp string                  `json:"timestamp"`
	Rejected  string                  `json:"rejected_at"`
	ID        string                  `json:"id,omitempty"`
	Source    string                  `json:"source,omitempty"`
	Type      string                  `json:"type,omitempty"`
	Subject   string                  `json:"subject,omitempty"`
	Decided   string                  `json:"decided_at,omitempty"`
	By        string                  `json:"by,omitempty"`
	Why       string                  `json:"why,omitempty"`
	To        string                  `json:"redriven_to,omitempty"`
	Headers   []headerView            `json:"headers,omitempty"`
	Key       *textView               `json:"key,omitempty"`
	Value     *textView               `json:"value,omitempty"`
}

type headerView struct {
	Key   string    `json:"key"`
	Value *textView `json:"value"`
}

// textView is bytes, as text where they are UTF-8.
type textView struct {
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

func viewOf(b []byte) *textView {
	switch {
	case b == nil:
		return nil
	case utf8.Valid(b):
		return &textView{Text: string(b)}
	}
	return &textView{Base64: b}
}

func letterJSON(l *projections.Letter, bytes bool) letterView {
	s := deadletters.Read(l)
	v := letterView{
		Place: deadletters.FormatPlace(l.Place()), Reason: l.Reason, Detail: l.Detail, State: l.State,
		Timestamp: deadletters.FormatTimestamp(l.Timestamp), Rejected: schemas.FormatTime(l.RecordedAt.UnixMicro()),
		ID: s.ID, Source: s.Source, Type: s.Type, Subject: s.Subject, By: l.By, Why: l.Why,
	}
	if !l.Decided.IsZero() {
		v.Decided = schemas.FormatTime(l.Decided.UnixMicro())
	}
	if l.To >= 0 {
		v.To = deadletters.FormatPlace(projections.Place{TopicPartition: l.TopicPartition, Offset: l.To})
	}
	if bytes {
		for _, h := range l.Headers {
			v.Headers = append(v.Headers, headerView{h.Key, viewOf(h.Value)})
		}
		v.Key, v.Value = viewOf(l.Key), viewOf(l.Value)
	}
	return v
}
