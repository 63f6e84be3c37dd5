package oracle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// snapshotPage is how many snapshots are read at once.
const snapshotPage = 200

func snapshotKey(group, user string) string { return group + ":progress:" + user }

// snapshots compares Redis with the rows of the cut. A snapshot may follow its
// row for as long as the time to settle; while engines run, it may be a later
// one.
func (p *pass) snapshots(ctx context.Context) error {
	if p.rdb == nil {
		p.report.Note("no Redis is given: snapshots are not looked at")
		return nil
	}
	var left []string
	users := p.count.Users()
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if users[name].Version > 0 {
			left = append(left, name)
		}
	}
	p.report.Looked(SnapshotsConverged, int64(len(left)))
	for deadline := time.Now().Add(p.cfg.Settle); ; {
		amiss, err := p.amiss(ctx, left)
		if err != nil {
			return err
		}
		if len(amiss) == 0 {
			break
		}
		left = slices.Sorted(maps.Keys(amiss))
		if time.Now().After(deadline) {
			for _, name := range left {
				p.report.Find(SnapshotsConverged, "%q: %s", name, amiss[name])
			}
			break
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return p.strangers(ctx)
}

// amiss reads the snapshots of users, and says what is wrong with some.
func (p *pass) amiss(ctx context.Context, names []string) (map[string]string, error) {
	amiss := map[string]string{}
	for page := range slices.Chunk(names, snapshotPage) {
		reads := make([]*redis.StringCmd, len(page))
		_, err := p.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, name := range page {
				reads[i] = pipe.Get(ctx, snapshotKey(p.cfg.Group, name))
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, errors.Wrap(err, "read snapshots from Redis")
		}
		for i, name := range page {
			text, err := reads[i].Result()
			if errors.Is(err, redis.Nil) {
				amiss[name] = "there is no snapshot"
			} else if err != nil {
				return nil, errors.Wrapf(err, "read the snapshot of %q", name)
			} else if wrong := p.compareSnapshot(p.count.Users()[name], text); wrong != "" {
				amiss[name] = wrong
			}
		}
	}
	return amiss, nil
}

func (p *pass) compareSnapshot(u *recount.User, text string) string {
	s, err := schemas.ParseSnapshot([]byte(text))
	if err != nil {
		return err.Error()
	}
	version := u.Version + p.stored.turn*turnVersions
	later := s.Epoch > p.stored.epoch || s.Epoch == p.stored.epoch && s.Version > version
	if later && !p.cfg.Settled {
		return ""
	}
	cat := p.stored.catalogs[s.Catalog]
	if cat == nil {
		return fmt.Sprintf("the snapshot names version %d of the catalogue, which is not stored", s.Catalog)
	}
	want := p.count.Snapshot(u, p.stored.epoch, cat, s.Catalog)
	want.Version = version
	if want := string(want.Append(nil)); text != want {
		return fmt.Sprintf("the snapshot is\n           %s\n         and the row\n           %s", shorten(text), shorten(want))
	}
	return ""
}

// strangers looks for snapshots of users who have no row.
func (p *pass) strangers(ctx context.Context) error {
	prefix := snapshotKey(p.cfg.Group, "")
	users := p.count.Users()
	var without []string
	keys := p.rdb.Scan(ctx, 0, globEscaper().Replace(prefix)+"*", 1000).Iterator()
	for keys.Next(ctx) {
		name := strings.TrimPrefix(keys.Val(), prefix)
		if u := users[name]; p.mine(name) && (u == nil || u.Version == 0) {
			without = append(without, name)
		}
	}
	if err := keys.Err(); err != nil {
		return errors.Wrap(err, "list the snapshots in Redis")
	}
	if len(without) == 0 {
		return nil
	}
	// Some may have come since the cut, or gone.
	rows, err := p.pg.Query(ctx, `SELECT id FROM `+p.stored.gen()+`.users WHERE id = ANY($1)`, without)
	if err != nil {
		return errors.Wrap(err, "look for users' rows")
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return errors.Wrap(err, "look for users' rows")
	}
	erased, err := p.stored.readErasures(ctx, p.pg)
	if err != nil {
		return err
	}
	slices.Sort(without)
	for _, name := range slices.Compact(without) {
		if e := erased[schemas.HashUser(p.stored.secret, name)]; e != nil {
			wrong, err := p.emptied(ctx, name)
			if err != nil {
				return err
			}
			p.report.Looked(ErasedAbsent, 1)
			if wrong != "" && e.done {
				p.report.Find(ErasedAbsent, "%q was erased: %s", name, wrong)
			}
			continue
		}
		if !slices.Contains(ids, name) {
			p.report.Find(SnapshotsConverged, "%q has a snapshot, and no row", name)
		}
	}
	return nil
}

// globEscaper makes a text stand for itself in a pattern of Redis.
func globEscaper() *strings.Replacer {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
}
