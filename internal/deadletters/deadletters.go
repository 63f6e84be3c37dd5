// Package deadletters lets people look at the records that were rejected, send
// them again once what was wrong is mended, or put them aside.
//
// The table of rejects in Postgres is what it works on: the dead-letter topic
// holds the same, less what was too large for it. What was redriven is written
// in the log itself, in a header of the record that was appended; the table of
// decisions follows it, and is made up for from the log before anything is
// redriven. So neither a kill between the two nor a Postgres that was restored
// makes a record count twice.
package deadletters

import (
	"context"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// Filter says which letters are meant.
type Filter struct {
	projections.LetterFilter
	// Type is the event type that the record names, as far as it can be read.
	Type string
}

// pageRows is how many letters are read at once: each may hold 4 MiB.
const pageRows = 100

// Each calls f for the letters after a place, by place, until it returns false
// or an error.
func Each(ctx context.Context, store *projections.Store, filter Filter, after projections.Place, f func(*projections.Letter) (bool, error)) error {
	for {
		page, err := store.Letters(ctx, filter.LetterFilter, after, pageRows)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			l := &page[i]
			if filter.Type != "" && Read(l).Type != filter.Type {
				continue
			}
			if more, err := f(l); err != nil || !more {
				return err
			}
		}
		after = page[len(page)-1].Place()
	}
}

// Sketch is what can be read of a record that is no valid event.
type Sketch struct{ ID, Source, Type, Subject string }

// Read reads what it can of a letter's record.
func Read(l *projections.Letter) Sketch {
	var s Sketch
	binary := false
	for _, h := range l.Headers {
		if name, ok := strings.CutPrefix(h.Key, "ce_"); ok {
			binary = true
			s.set(name, string(h.Value))
		}
	}
	if !binary {
		s.readObject(l.Value)
	}
	return s
}

func (s *Sketch) set(name, value string) {
	switch name {
	case "id":
		s.ID = value
	case "source":
		s.Source = value
	case "type":
		s.Type = value
	case "subject":
		s.Subject = value
	}
}

// readObject reads a JSON object as far as it is one.
func (s *Sketch) readObject(text []byte) {
	dec := jsontext.NewDecoder(strings.NewReader(string(text)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return
	}
	for {
		name, err := dec.ReadToken()
		if err != nil || name.Kind() != '"' {
			return
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return
		}
		if value.Kind() == '"' {
			if plain, err := jsontext.AppendUnquote(nil, value); err == nil {
				s.set(key, string(plain))
			}
		}
	}
}

// FormatPlace writes where a record stands, TOPIC/PARTITION@OFFSET, as the key of
// its dead letter does.
func FormatPlace(p projections.Place) string {
	return string(schemas.DeadLetterKey(&schemas.DeadLetter{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset}))
}

// ParsePlace reads TOPIC/PARTITION@OFFSET, or PARTITION@OFFSET of a topic that
// is understood.
func ParsePlace(text, topic string) (projections.Place, error) {
	wrong := errors.Newf("%q names no record: write PARTITION@OFFSET or TOPIC/PARTITION@OFFSET, as `badgestream dlq list` does", text)
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return projections.Place{}, wrong
	}
	where, offset := text[:at], text[at+1:]
	if slash := strings.LastIndexByte(where, '/'); slash >= 0 {
		topic, where = where[:slash], where[slash+1:]
	}
	partition, err := strconv.ParseInt(where, 10, 32)
	if err != nil || partition < 0 {
		return projections.Place{}, wrong
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || n < 0 || topic == "" {
		return projections.Place{}, wrong
	}
	return projections.Place{TopicPartition: projections.TopicPartition{Topic: topic, Partition: int32(partition)}, Offset: n}, nil
}

// Count is how many letters there are of one reason, type and state.
type Count struct {
	projections.LetterCount
	Type string `json:"type,omitempty"`
	// From and To are the first and the last record's timestamps.
	From string `json:"from"`
	To   string `json:"to"`
}

// Counts counts letters by reason and state in Postgres; with byType also by
// the type that they name, for which each is read.
func Counts(ctx context.Context, store *projections.Store, filter Filter, byType bool) ([]Count, error) {
	if !byType && filter.Type == "" {
		plain, err := store.CountLetters(ctx, filter.LetterFilter)
		list := make([]Count, len(plain))
		for i, c := range plain {
			list[i] = dated(Count{LetterCount: c})
		}
		return list, err
	}
	index, list := map[Count]int{}, []Count{}
	err := Each(ctx, store, filter, projections.Place{}, func(l *projections.Letter) (bool, error) {
		key := Count{LetterCount: projections.LetterCount{Reason: l.Reason, State: l.State}, Type: Read(l).Type}
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			fresh := key
			fresh.First, fresh.Last = l.Timestamp, l.Timestamp
			list = append(list, fresh)
		}
		c := &list[i]
		c.N, c.First, c.Last = c.N+1, min(c.First, l.Timestamp), max(c.Last, l.Timestamp)
		return true, nil
	})
	for i := range list {
		list[i] = dated(list[i])
	}
	return list, err
}

func dated(c Count) Count {
	c.From, c.To = FormatTimestamp(c.First), FormatTimestamp(c.Last)
	return c
}

// FormatTimestamp writes a record's timestamp, which may be any number of Unix
// milliseconds.
func FormatTimestamp(ms int64) string {
	if ms < schemas.MinTime/1000 || ms > schemas.MaxTime/1000 {
		return strconv.FormatInt(ms, 10) + " ms"
	}
	return schemas.FormatTime(ms * 1000)
}
