package projections

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// LetterState is what has become of a rejected record.
type LetterState string

// The states.
const (
	LetterOpen      LetterState = "open"
	LetterDiscarded LetterState = "discarded"
	LetterWaiting   LetterState = "waiting"  // redriven, and not folded yet
	LetterRedriven  LetterState = "redriven" // and folded since
	LetterRejected  LetterState = "rejected-again"
)

// Letter is a rejected record with what people decided about it.
type Letter struct {
	Reject
	State      LetterState
	RecordedAt time.Time // when it was rejected
	// Decided, By and Why are of the last decision, and To is where a redriven
	// record stands, in the same partition. Decided is zero while it is open.
	Decided time.Time
	By, Why string
	To      int64
}

// Place is where the record stands.
func (l *Letter) Place() Place { return Place{l.TopicPartition, l.Offset} }

// LetterFilter says which letters are asked for. What is zero does not matter.
type LetterFilter struct {
	Reason schemas.Reason
	State  LetterState
	// Since and Until bound the record's timestamp, in Unix milliseconds: Since
	// included, Until excluded.
	Since, Until int64
	// Places are the records asked for by name.
	Places []Place
}

// lettersSQL joins each reject with the decisions. A redriven record outlasts
// that it was once discarded.
func (s *Store) lettersSQL() string {
	base := schema(s.group)
	return ` FROM (SELECT r.*, coalesce(d.at, x.at) AS decided, coalesce(d.by, x.by, '') AS by, coalesce(d.why, x.why, '') AS why, coalesce(d.to_offset, -1) AS to_offset,
  CASE WHEN d.state IS NULL AND x.state IS NULL THEN 'open' WHEN d.state IS NULL THEN 'discarded'
    WHEN again."offset" IS NOT NULL THEN 'rejected-again' WHEN p.next > d.to_offset THEN 'redriven' ELSE 'waiting' END AS state
FROM ` + base + `.reject r
LEFT JOIN ` + base + `.dead_letter d ON (d.topic, d.partition, d."offset", d.state) = (r.topic, r.partition, r."offset", 'redriven')
LEFT JOIN ` + base + `.dead_letter x ON (x.topic, x.partition, x."offset", x.state) = (r.topic, r.partition, r."offset", 'discarded')
LEFT JOIN ` + base + `.fold_offset p ON (p.topic, p.partition) = (r.topic, r.partition)
LEFT JOIN ` + base + `.reject again ON (again.topic, again.partition, again."offset") = (r.topic, r.partition, d.to_offset)) l`
}

func (f *LetterFilter) where() (string, []any) {
	var parts []string
	var args []any
	add := func(text string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			text = strings.Replace(text, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		parts = append(parts, text)
	}
	if f.Reason != "" {
		add("reason = ?", f.Reason)
	}
	if f.State != "" {
		add("state = ?", f.State)
	}
	if f.Since != 0 {
		add("timestamp_ms >= ?", f.Since)
	}
	if f.Until != 0 {
		add("timestamp_ms < ?", f.Until)
	}
	if len(f.Places) > 0 {
		topics, partitions, offsets := placeColumns(f.Places)
		add(`(topic, partition, "offset") IN (SELECT * FROM unnest(?::text[], ?::int[], ?::bigint[]))`, topics, partitions, offsets)
	}
	if len(parts) == 0 {
		return " WHERE true", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func placeColumns(places []Place) (topics []string, partitions []int32, offsets []int64) {
	for _, p := range places {
		topics, partitions, offsets = append(topics, p.Topic), append(partitions, p.Partition), append(offsets, p.Offset)
	}
	return topics, partitions, offsets
}

// Letters returns up to limit letters after a place, by place.
func (s *Store) Letters(ctx context.Context, f LetterFilter, after Place, limit int) ([]Letter, error) {
	where, args := f.where()
	n := len(args)
	args = append(args, after.Topic, after.Partition, after.Offset, limit)
	rows, err := s.pool.Query(ctx, `SELECT topic, partition, "offset", reason, detail, key, value, headers, timestamp_ms, recorded_at, state, decided, by, why, to_offset`+s.lettersSQL()+where+
		` AND (topic, partition, "offset") > ($`+strconv.Itoa(n+1)+`, $`+strconv.Itoa(n+2)+`, $`+strconv.Itoa(n+3)+`) ORDER BY topic, partition, "offset" LIMIT $`+strconv.Itoa(n+4), args...)
	if err != nil {
		return nil, errors.Wrap(err, "list dead letters")
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Letter, err error) {
		var headers []byte
		var decided *time.Time
		if err := row.Scan(&l.Topic, &l.Partition, &l.Offset, &l.Reason, &l.Detail, &l.Key, &l.Value, &headers, &l.Timestamp, &l.RecordedAt, &l.State, &decided, &l.By, &l.Why, &l.To); err != nil {
			return l, err
		}
		if decided != nil {
			l.Decided = *decided
		}
		l.Headers, err = readHeaders(headers)
		return l, err
	})
	return list, errors.Wrap(err, "list dead letters")
}

// LetterCount is how many letters there are of one reason and state.
type LetterCount struct {
	Reason schemas.Reason `json:"reason"`
	State  LetterState    `json:"state"`
	N      int64          `json:"count"`
	// First and Last bound their records' timestamps, in Unix milliseconds.
	First int64 `json:"-"`
	Last  int64 `json:"-"`
}

// CountLetters counts letters by reason and state, the most first.
func (s *Store) CountLetters(ctx context.Context, f LetterFilter) ([]LetterCount, error) {
	where, args := f.where()
	rows, err := s.pool.Query(ctx, `SELECT reason, state, count(*), min(timestamp_ms), max(timestamp_ms)`+s.lettersSQL()+where+` GROUP BY reason, state ORDER BY 3 DESC, 1, 2`, args...)
	if err != nil {
		return nil, errors.Wrap(err, "count dead letters")
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LetterCount])
	return list, errors.Wrap(err, "count dead letters")
}

// Discard notes that letters are discarded, by whom and why. Those that are
// decided already stay as they are; it returns how many it noted.
func (s *Store) Discard(ctx context.Context, places []Place, by, why string) (int64, error) {
	topics, partitions, offsets := placeColumns(places)
	base := schema(s.group)
	tag, err := s.pool.Exec(ctx, `INSERT INTO `+base+`.dead_letter (topic, partition, "offset", state, by, why)
SELECT topic, partition, "offset", 'discarded', $4, $5 FROM `+base+`.reject r
WHERE (topic, partition, "offset") IN (SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]))
AND NOT EXISTS (SELECT FROM `+base+`.dead_letter d WHERE (d.topic, d.partition, d."offset") = (r.topic, r.partition, r."offset"))
ON CONFLICT DO NOTHING`, topics, partitions, offsets, storable(by), storable(why))
	return tag.RowsAffected(), errors.Wrapf(err, "discard %d dead letters", len(places))
}

// Redrive is a record of the log that says of itself that it is a letter,
// appended again.
type Redrive struct {
	Letter Place
	To     int64
	At     int64 // the record's timestamp in Unix milliseconds
	By     string
	Key    []byte
	Value  []byte
}

// NoteRedriven notes redriven letters, and up to where the log was looked
// through for them; marks may be nil. A record that says it of a letter that is
// not there, or that has other bytes, is passed over: anybody can say so.
func (s *Store) NoteRedriven(ctx context.Context, list []Redrive, marks map[TopicPartition]int64) error {
	base := schema(s.group)
	batch := &pgx.Batch{}
	for i := range list {
		r := &list[i]
		batch.Queue(`INSERT INTO `+base+`.dead_letter (topic, partition, "offset", state, by, why, to_offset)
SELECT topic, partition, "offset", 'redriven', $4, '', $5 FROM `+base+`.reject
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND "offset" < $5 AND key IS NOT DISTINCT FROM $6 AND value IS NOT DISTINCT FROM $7
ON CONFLICT DO NOTHING`, r.Letter.Topic, r.Letter.Partition, r.Letter.Offset, storable(r.By), r.To, r.Key, r.Value)
	}
	for p, next := range marks {
		batch.Queue(`INSERT INTO `+base+`.redrive_mark AS m (topic, partition, next) VALUES ($1, $2, $3)
ON CONFLICT (topic, partition) DO UPDATE SET next = greatest(m.next, excluded.next)`, p.Topic, p.Partition, next)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	return errors.Wrapf(err, "note %d redriven dead letters", len(list))
}

// UnnotedFrom says, for each partition with open letters, from which offset on
// there may be redriven records that are not noted: from its mark, or without
// one from its first open letter.
func (s *Store) UnnotedFrom(ctx context.Context) (map[TopicPartition]int64, error) {
	base := schema(s.group)
	rows, err := s.pool.Query(ctx, `SELECT l.topic, l.partition, coalesce(min(m.next), min("offset"))`+s.lettersSQL()+`
LEFT JOIN `+base+`.redrive_mark m ON (m.topic, m.partition) = (l.topic, l.partition)
WHERE l.state IN ('open', 'discarded') GROUP BY l.topic, l.partition`)
	if err != nil {
		return nil, errors.Wrap(err, "find where redriven records may stand")
	}
	from := map[TopicPartition]int64{}
	var p TopicPartition
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&p.Topic, &p.Partition, &at}, func() error {
		from[p] = at
		return nil
	})
	return from, errors.Wrap(err, "find where redriven records may stand")
}
