package projections

import (
	"context"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Switching is a switch about to be done.
type Switching struct {
	Switch   Switch
	Beside   Generation
	Rules    *catalog.Catalog // of the generation that is to be live
	Live     *catalog.Catalog // of the one that is
	Suspects *Suspects
	// Epoch is one that no snapshot has.
	Epoch int64
	// Began is when folds began to wait.
	Began time.Time
}

// Switch makes the generation beside the live one the live one, in the
// transaction of a Standstill, in which both stand at the switch's record. That
// is folded with it: badges that only the new one gives become events of the
// history, those that only the old one gave are kept or revoked. The old one is
// folded beside it from there on.
func (s *Store) Switch(ctx context.Context, tx pgx.Tx, w *Switching) error {
	err := s.doSwitch(ctx, tx, w)
	return errors.Wrapf(err, "switch to generation %d", w.Beside.Number)
}

func (s *Store) doSwitch(ctx context.Context, tx pgx.Tx, w *Switching) error {
	base := schema(s.group)
	was, err := readRegime(ctx, tx, s.group)
	if err != nil {
		return err
	}
	cat, version, err := s.switchCatalog(ctx, tx, w, was.CatalogVersion)
	if err != nil {
		return err
	}
	now := Regime{Epoch: max(was.Epoch+1, w.Epoch), Generation: w.Beside.Number, CatalogVersion: version, Turn: was.Turn + 1, Erasures: was.Erasures}
	if err := w.Suspects.complete(ctx, tx); err != nil {
		return err
	}
	c := &changes{switching: w, was: was, now: now, cat: cat, group: s.group}
	if err := c.find(ctx, tx); err != nil {
		return err
	}
	if err := c.write(ctx, tx); err != nil {
		return err
	}
	exec := func(what, sql string, args ...any) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrStale
		}
		return errors.Wrap(err, what)
	}
	p := w.Switch.TopicPartition
	if err := exec("move the fold offset on", `UPDATE `+base+`.fold_offset SET next = $3 + 1 WHERE topic = $1 AND partition = $2 AND next = $3 AND step = 0`, p.Topic, p.Partition, w.Switch.Offset); err != nil {
		return err
	}
	if err := exec("change the regime", `UPDATE `+base+`.regime SET epoch = $1, generation = $2, catalog_version = $3, turn = $4`, now.Epoch, now.Generation, now.CatalogVersion, now.Turn); err != nil {
		return err
	}
	if err := exec("note that it is live", `UPDATE `+base+`.generation SET state = 'live', lived = true, catalog_version = $2, rate = 0 WHERE generation = $1 AND state = 'following'`, now.Generation, version); err != nil {
		return err
	}
	if err := exec("note that it was live", `UPDATE `+base+`.generation SET state = 'following', followed_at = now(), rate = 0 WHERE generation = $1 AND state = 'live'`, was.Generation); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, besideDDL(s.group, was.Generation)); err != nil {
		return errors.Wrapf(err, "make the history of generation %d", was.Generation)
	}
	if err := exec("note where the old one stands", `INSERT INTO `+base+`.generation_offset (generation, topic, partition, begins, next, step, ordinal)
SELECT $1, f.topic, f.partition, g.begins, f.next, f.step, f.ordinal FROM `+base+`.fold_offset f JOIN `+base+`.generation_offset g USING (topic, partition) WHERE g.generation = $2`, was.Generation, now.Generation); err != nil {
		return err
	}
	if err := exec("forget where the new one stood", `DELETE FROM `+base+`.generation_offset WHERE generation = $1`, now.Generation); err != nil {
		return err
	}
	err = exec("note the switch", `UPDATE `+base+`.switch SET state = 'done', formerly = $4, turn = $5, gained = $6, lost = $7, took_ms = $8, ended_at = now()
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND state = 'asked'`, p.Topic, p.Partition, w.Switch.Offset, was.Generation, now.Turn, c.gained, c.lost, time.Since(w.Began).Milliseconds())
	if err != nil {
		return err
	}
	// The ledger's numbers come last.
	return c.ledger(ctx, tx)
}

// switchCatalog is the catalogue that will hold. Versions only rise, as readers
// take the later one: rules that held before come back under a new number.
func (s *Store) switchCatalog(ctx context.Context, tx pgx.Tx, w *Switching, holds int32) (*catalog.Catalog, int32, error) {
	version := w.Beside.CatalogVersion
	switch {
	case w.Rules.RulesHash == w.Live.RulesHash:
		return w.Live, holds, nil
	case version < holds:
		var err error
		if version, err = s.nextCatalogVersion(ctx, tx); err != nil {
			return nil, 0, err
		}
		if err := s.addCatalog(ctx, tx, w.Rules, version); err != nil {
			return nil, 0, err
		}
	}
	return w.Rules, version, s.showCatalog(ctx, tx, w.Rules)
}

// switchReason is what the history says of the changes of a switch.
const switchReason = schemas.ReasonRebuild
