package projections

import (
	"context"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Suspect looks for the users whose badges a switch to a generation might
// change, while folds go on: all whose badges differ now. Whoever comes to differ
// later has a row in one history or the other by an offset that is not folded
// yet. So at the switch itself nobody else need be looked at, however many users
// there are.
func (s *Store) Suspect(ctx context.Context, live, beside int32, liveCat, besideCat *catalog.Catalog) (*Suspects, error) {
	// Before: what is folded beyond shows in the histories.
	from, err := s.BesideOffsets(ctx, beside)
	if err != nil {
		return nil, err
	}
	gen := generationSchema(s.group, beside)
	table := gen + ".suspect"
	if _, err := s.pool.Exec(ctx, `DROP TABLE IF EXISTS `+table+`; CREATE UNLOGGED TABLE `+table+` (id text COLLATE "C" PRIMARY KEY)`); err != nil {
		return nil, errors.Wrapf(err, "make table %s", table)
	}
	bySlug, args := heldBySlug(s.group, live, beside, liveCat, besideCat)
	if _, err := s.pool.Exec(ctx, bySlug+` INSERT INTO `+table+` SELECT DISTINCT id FROM l FULL JOIN b USING (id, slug) WHERE l.at IS NULL OR b.at IS NULL`, args...); err != nil {
		return nil, errors.Wrapf(err, "look whose badges a switch to generation %d might change", beside)
	}
	return &Suspects{table: table, histories: []string{schema(s.group) + ".history", gen + ".history"}, from: from}, nil
}

// Suspects are the users whose badges a switch might change.
type Suspects struct {
	table     string
	histories []string
	from      []BesideOffset
}

// complete adds those who came to differ since.
func (p *Suspects) complete(ctx context.Context, tx pgx.Tx) error {
	for _, history := range p.histories {
		for _, o := range p.from {
			if _, err := tx.Exec(ctx, `INSERT INTO `+p.table+` SELECT DISTINCT user_id FROM `+history+`
WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ON CONFLICT DO NOTHING`, o.Topic, o.Partition, o.Offset); err != nil {
				return errors.Wrap(err, "look who came to differ since")
			}
		}
	}
	return nil
}
