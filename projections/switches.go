package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Switch is a record of the control topic that asks for another generation to
// be the live one, and what became of it.
type Switch struct {
	schemas.Switch
	TopicPartition
	Offset      int64
	EventID     string
	EventSource string
	Time        int64 // Unix microseconds

	State   SwitchState
	Refusal string // why, of one that was refused
	// Of one that is done: Formerly was live before, Turn counts the switches,
	// Gained and Lost count the badge events, and Took is how long folds waited.
	Formerly, Turn int32
	Gained, Lost   int64
	Took           time.Duration
}

// SwitchState is what became of a switch.
type SwitchState string

// The states.
const (
	SwitchAsked   SwitchState = "asked"
	SwitchDone    SwitchState = "done"
	SwitchRefused SwitchState = "refused"
)

const switchColumns = `topic, partition, "offset", event_id, event_source, (extract(epoch FROM at) * 1000000)::bigint, generation, revoke,
state, refusal, coalesce(formerly, 0), coalesce(turn, 0), gained, lost, coalesce(took_ms, 0)`

func scanSwitch(row pgx.CollectableRow) (w Switch, err error) {
	var took int64
	err = row.Scan(&w.Topic, &w.Partition, &w.Offset, &w.EventID, &w.EventSource, &w.Time, &w.Generation, &w.Revoke,
		&w.State, &w.Refusal, &w.Formerly, &w.Turn, &w.Gained, &w.Lost, &took)
	w.Took = time.Duration(took) * time.Millisecond
	return w, err
}

// AskSwitch notes that a switch was met where its partition stands, once, and
// returns what became of it so far.
func (s *Store) AskSwitch(ctx context.Context, w *Switch) (Switch, error) {
	_, err := s.pool.Exec(ctx, `INSERT INTO `+schema(s.group)+`.switch (topic, partition, "offset", event_id, event_source, at, generation, revoke)
VALUES ($1, $2, $3, $4, $5, to_timestamp(0) + $6::bigint * interval '1 microsecond', $7, $8) ON CONFLICT DO NOTHING`,
		w.Topic, w.Partition, w.Offset, w.EventID, w.EventSource, w.Time, w.Generation, w.Revoke)
	if err != nil {
		return Switch{}, errors.Wrapf(err, "note the switch at %s/%d offset %d", w.Topic, w.Partition, w.Offset)
	}
	found, err := s.SwitchAt(ctx, w.TopicPartition, w.Offset)
	if err == nil && found == nil {
		err = errors.AssertionFailedf("the switch at %s/%d offset %d is noted, and is not there", w.Topic, w.Partition, w.Offset)
	}
	if err != nil {
		return Switch{}, err
	}
	return *found, nil
}

// SwitchAt is the switch that stands at an offset, nil if none was met there.
func (s *Store) SwitchAt(ctx context.Context, p TopicPartition, offset int64) (*Switch, error) {
	list, err := s.switches(ctx, `WHERE topic = $1 AND partition = $2 AND "offset" = $3`, p.Topic, p.Partition, offset)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Switches are all switches that were met, in the order of their offsets.
func (s *Store) Switches(ctx context.Context) ([]Switch, error) { return s.switches(ctx, ``) }

// SwitchesAsked are those that wait for somebody to do or refuse them.
func (s *Store) SwitchesAsked(ctx context.Context) ([]Switch, error) {
	return s.switches(ctx, `WHERE state = 'asked'`)
}

func (s *Store) switches(ctx context.Context, where string, args ...any) ([]Switch, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+switchColumns+` FROM `+schema(s.group)+`.switch `+where+` ORDER BY topic, partition, "offset"`, args...)
	if err != nil {
		return nil, errors.Wrap(err, "read the switches")
	}
	list, err := pgx.CollectRows(rows, scanSwitch)
	return list, errors.Wrap(err, "read the switches")
}

// RefuseSwitch says why a switch is not done. Its record is then folded as one
// that means nothing.
func (s *Store) RefuseSwitch(ctx context.Context, w *Switch, why string) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.switch SET state = 'refused', refusal = $4, ended_at = now()
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND state = 'asked'`, w.Topic, w.Partition, w.Offset, storable(why))
	return errors.Wrapf(err, "refuse the switch at %s/%d offset %d", w.Topic, w.Partition, w.Offset)
}

// KeptBadge is a badge that a user kept by a switch.
type KeptBadge struct {
	User, Badge string
	EarnedAt    int64 // Unix microseconds
}

// KeptAt returns the badges that were kept by the switch at an offset, sorted.
func (s *Store) KeptAt(ctx context.Context, p TopicPartition, offset int64) ([]KeptBadge, error) {
	rows, err := s.pool.Query(ctx, `SELECT user_id, badge, (extract(epoch FROM earned_at) * 1000000)::bigint FROM `+schema(s.group)+`.kept
WHERE topic = $1 AND partition = $2 AND "offset" = $3 ORDER BY user_id, badge`, p.Topic, p.Partition, offset)
	if err != nil {
		return nil, errors.Wrapf(err, "read what was kept by the switch at %s/%d offset %d", p.Topic, p.Partition, offset)
	}
	return collect(rows, "read what was kept by a switch", func(k *KeptBadge) []any { return []any{&k.User, &k.Badge, &k.EarnedAt} })
}

// Unshown reports whether not all snapshots of the epoch that holds are written.
func (s *Store) Unshown(ctx context.Context) (unshown bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT s.epoch < r.epoch FROM `+schema(s.group)+`.shown s, `+schema(s.group)+`.regime r`).Scan(&unshown)
	return unshown, errors.Wrap(err, "read which epoch is shown")
}

// Shown notes that all snapshots of an epoch are written.
func (s *Store) Shown(ctx context.Context, epoch int64) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.shown SET epoch = $1 WHERE epoch < $1`, epoch)
	return errors.Wrap(err, "note which epoch is shown")
}
