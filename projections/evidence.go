package projections

import (
	"context"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Evidence is what a generation has on a badge of a user.
type Evidence struct {
	// Counters are the criterion's, as they are; of ages, when they began.
	Counters schemas.Numbers
	// Last is what made the badge last begin or cease to be held; nil if nothing
	// did.
	Last *schemas.Cause
}

// Evidence gives, for each of the differences, what a generation has on it; nil
// where it has no row of the user, or no such badge.
func (m *Moment) Evidence(ctx context.Context, generation int32, cat *catalog.Catalog, of []HeldDiff) ([]*Evidence, error) {
	if len(of) == 0 {
		return nil, nil
	}
	users, badges := make([]string, len(of)), make([]string, len(of))
	for i := range of {
		users[i], badges[i] = of[i].User, of[i].Badge
	}
	counters, err := m.countersOf(ctx, generation, cat, users)
	if err != nil {
		return nil, err
	}
	causes, err := m.causesOf(ctx, generation, users, badges)
	if err != nil {
		return nil, err
	}
	index := map[string]int{}
	for i := range cat.Badges {
		index[cat.Badges[i].Slug] = i
	}
	list := make([]*Evidence, len(of))
	for i := range of {
		badge, known := index[of[i].Badge]
		values := counters[of[i].User]
		if !known || values == nil {
			continue
		}
		e := &Evidence{Last: causes[[2]string{of[i].User, of[i].Badge}]}
		for _, c := range cat.CriterionCounters(badge) {
			e.Counters = append(e.Counters, schemas.Number{Name: cat.Counters[c].Name, Value: values[c]})
		}
		list[i] = e
	}
	return list, nil
}

func (m *Moment) countersOf(ctx context.Context, generation int32, cat *catalog.Catalog, users []string) (map[string][]int64, error) {
	rows, err := m.tx.Query(ctx, `SELECT id, ARRAY[`+strings.Join(counterColumns(cat), ", ")+`]::bigint[] FROM `+generationSchema(m.group, generation)+`.users WHERE id = ANY($1)`, users)
	if err != nil {
		return nil, errors.Wrapf(err, "read the counters of %d users", len(users))
	}
	found := map[string][]int64{}
	var user string
	var values []int64
	_, err = pgx.ForEachRow(rows, []any{&user, &values}, func() error {
		found[user], values = values, nil
		return nil
	})
	return found, errors.Wrapf(err, "read the counters of %d users", len(users))
}

func (m *Moment) causesOf(ctx context.Context, generation int32, users, badges []string) (map[[2]string]*schemas.Cause, error) {
	history, err := m.historyOf(ctx, generation)
	if err != nil {
		return nil, err
	}
	rows, err := m.tx.Query(ctx, `SELECT DISTINCT ON (user_id, badge) user_id, badge, topic, partition, "offset", event_id, event_source
FROM (`+history+`) history JOIN unnest($1::text[], $2::text[]) wanted (user_id, badge) USING (user_id, badge)
ORDER BY user_id, badge, user_version DESC, ordinal DESC`, users, badges)
	if err != nil {
		return nil, errors.Wrapf(err, "read the history of %d users", len(users))
	}
	found := map[[2]string]*schemas.Cause{}
	var key [2]string
	var c schemas.Cause
	_, err = pgx.ForEachRow(rows, []any{&key[0], &key[1], &c.Topic, &c.Partition, &c.Offset, &c.ID, &c.Source}, func() error {
		kept := c
		found[key] = &kept
		return nil
	})
	return found, errors.Wrapf(err, "read the history of %d users", len(users))
}
