package userlog

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// drawing calls each for everybody else for whom a record draws a place, as
// often as it comes. That of a duplicate is drawn already.
func (s *Reader) drawing(collection int, each func(user string) error) func(*kgo.Record) error {
	return func(r *kgo.Record) error {
		p := projections.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		if _, was := slices.BinarySearch(s.refused[p], r.Offset); was {
			return nil
		}
		var ev schemas.Event
		if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
			return nil //nolint:nilerr // what is no event draws nothing
		}
		if _, known := s.cat.Types[ev.Type]; !known || ev.CheckTime(r.Timestamp.UnixMilli(), true) != nil {
			return nil //nolint:nilerr // nor does one of no time
		}
		namings, err := s.batch.Namings(&ev)
		if err != nil {
			return nil //nolint:nilerr // nor does what the catalogue rejects
		}
		for _, n := range namings {
			if n.Rule.Op == catalog.OpCount || n.Rule.Collection != collection || n.Exempt != processor.Credited || n.User == s.user {
				continue
			}
			if err := each(strings.Clone(n.User)); err != nil {
				return err
			}
		}
		return nil
	}
}
