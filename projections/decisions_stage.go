package projections

import (
	"strconv"

	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

// ofDecisions adds what a batch with people's decisions needs besides. Almost
// none has any, so that these are prepared when they are first asked for.
//
// Arrays of arrays are rectangles in Postgres: each user's lists come as text.
func (s *statements) ofDecisions(base, gen string) {
	s.byHand = pgbatch.Statement{Name: "decided by hand", SQL: `INSERT INTO ` + gen + `.users AS t (id, version, granted, withheld, pinned_badges)
SELECT id, 0, nullif(g, '{}')::smallint[], nullif(w, '{}')::smallint[], nullif(p, '{}')::smallint[] FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) x (id, g, w, p)
ON CONFLICT (id) DO UPDATE SET granted = excluded.granted, withheld = excluded.withheld, pinned_badges = excluded.pinned_badges`}
	s.decisions = pgbatch.Statement{Name: "decisions", SQL: `INSERT INTO ` + base + `.decision (topic, partition, "offset", verb, user_id, badge, by, reason, at, event_id, event_source)
SELECT ` + rows(`text`, `int`, `bigint`, `text`, `text`, `text`, `text`, `text`, `timestamptz`, `text`, `text`)}
}

// addByHand adds the statement that writes what is decided about users, whose
// rows the batch has locked.
func (f *Folder) addByHand(pipe *pgbatch.Pipe, updates []processor.HandUpdate) {
	if len(updates) == 0 {
		return
	}
	pipe.AddParts(f.stmts.byHand, nil, parts(len(updates), func(from, to int) [][]byte {
		return handParams(f.cols[:4], updates[from:to])
	}))
}

func handParams(cols []pgbatch.Column, updates []processor.HandUpdate) [][]byte {
	start(cols, pgbatch.Text, pgbatch.Text, pgbatch.Text, pgbatch.Text)
	var text []byte
	for i := range updates {
		u := &updates[i]
		cols[0].AddText(u.User)
		for c, badges := range [][]int16{u.Granted, u.Withheld, u.Pins} {
			text = appendBadges(text[:0], badges)
			cols[1+c].AddBytes(text)
		}
	}
	return params(cols)
}

// appendBadges writes ids of badges as Postgres writes an array.
func appendBadges(dst []byte, badges []int16) []byte {
	dst = append(dst, '{')
	for i, id := range badges {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(id), 10)
	}
	return append(dst, '}')
}

// addDecisions adds the statement that records who decided what, and why.
func (f *Folder) addDecisions(pipe *pgbatch.Pipe, list []processor.Decided) {
	if len(list) == 0 {
		return
	}
	pipe.AddParts(f.stmts.decisions, nil, parts(len(list), func(from, to int) [][]byte {
		cols := f.cols[:11]
		start(cols, pgbatch.Text, pgbatch.Int4, pgbatch.Int8, pgbatch.Text, pgbatch.Text, pgbatch.Text, pgbatch.Text, pgbatch.Text,
			pgbatch.TimestampTZ, pgbatch.Text, pgbatch.Text)
		for i := range list[from:to] {
			d := &list[from+i]
			cols[0].AddText(d.Source.Topic)
			cols[1].AddInt4(d.Source.Partition)
			cols[2].AddInt8(d.Source.Offset)
			for c, text := range []string{string(d.Verb), d.User, d.Badge, d.By, d.Reason} {
				cols[3+c].AddText(text)
			}
			cols[8].AddTime(d.Source.Time)
			cols[9].AddText(d.Source.ID)
			cols[10].AddText(d.Source.Origin)
		}
		return params(cols)
	}))
}
