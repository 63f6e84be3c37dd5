package projections

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// switchStep is how many changes of a switch are published at once.
const switchStep = 2_000

// changes are what a switch does to users' badges.
type changes struct {
	switching *Switching
	was, now  Regime
	cat       *catalog.Catalog // that will hold
	group     string

	history      []HistoryRow
	kept         []KeptBadge
	held         []processor.HeldUpdate // of users who keep something
	gained, lost int64
}

// side is a user's row in one of the generations.
type side struct {
	cat      *catalog.Catalog
	clock    int64
	version  int64
	held     map[string]int64 // slug → when it was earned, in Unix microseconds
	counters []int64
}

// find compares what the suspects hold.
func (c *changes) find(ctx context.Context, tx pgx.Tx) error {
	live, err := c.sides(ctx, tx, c.was.Generation, c.switching.Live)
	if err != nil {
		return err
	}
	beside, err := c.sides(ctx, tx, c.now.Generation, c.cat)
	if err != nil {
		return err
	}
	users := make([]string, 0, max(len(live), len(beside)))
	for user := range live {
		users = append(users, user)
	}
	for user := range beside {
		if live[user] == nil {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	for _, user := range users {
		c.compare(user, live[user], beside[user])
	}
	return nil
}

// sides reads the suspects' rows of a generation.
func (c *changes) sides(ctx context.Context, tx pgx.Tx, generation int32, cat *catalog.Catalog) (map[string]*side, error) {
	gen := generationSchema(c.group, generation)
	var clock int64
	if err := tx.QueryRow(ctx, `SELECT coalesce((extract(epoch FROM at) * 1000000)::bigint, 0) FROM `+gen+`.clock`).Scan(&clock); err != nil {
		return nil, errors.Wrapf(err, "read the clock of generation %d", generation)
	}
	rows, err := tx.Query(ctx, `SELECT id, `+strings.Join(slices.Concat(rowColumns(), counterColumns(cat)), ", ")+` FROM `+gen+`.users JOIN `+c.switching.Suspects.table+` USING (id)`, inBinary())
	if err != nil {
		return nil, errors.Wrapf(err, "read what users hold by generation %d", generation)
	}
	found := map[string]*side{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var a answers
		raw := row.RawValues()
		f := processor.Final{User: string(raw[0])}
		if err := a.readFinal(&f, raw[1:]); err != nil {
			return struct{}{}, err
		}
		s := &side{cat: cat, clock: clock, version: f.Version, held: map[string]int64{}, counters: f.Counters}
		for _, h := range f.Held {
			s.held[cat.Badges[cat.ByID[h.Badge]].Slug] = h.At
		}
		found[f.User] = s
		return struct{}{}, nil
	})
	return found, errors.Wrapf(err, "read what users hold by generation %d", generation)
}

// compare adds what the switch does to one user.
func (c *changes) compare(user string, live, beside *side) {
	if live == nil {
		live = &side{cat: c.switching.Live, counters: make([]int64, len(c.switching.Live.Counters))}
	}
	if beside == nil {
		beside = &side{cat: c.cat, counters: make([]int64, len(c.cat.Counters)), held: map[string]int64{}}
	}
	var slugs []string
	for slug := range beside.held {
		if _, both := live.held[slug]; !both {
			slugs = append(slugs, slug)
		}
	}
	for slug := range live.held {
		if _, both := beside.held[slug]; !both {
			slugs = append(slugs, slug)
		}
	}
	slices.SortFunc(slugs, func(a, b string) int { return cmp.Or(cmp.Compare(c.place(a), c.place(b)), strings.Compare(a, b)) })
	keeps := false
	for _, slug := range slugs {
		at, gained := beside.held[slug]
		if gained {
			c.gained++
			c.add(user, slug, false, at, beside, beside.version)
			continue
		}
		switch _, defined := index(c.cat, slug); {
		case c.switching.Switch.Revoke:
			c.lost++
			c.add(user, slug, true, live.held[slug], live, beside.version)
		case defined:
			keeps = true
			c.kept = append(c.kept, KeptBadge{User: user, Badge: slug, EarnedAt: live.held[slug]})
			beside.held[slug] = live.held[slug]
		}
	}
	if keeps {
		c.held = append(c.held, processor.HeldUpdate{User: user, Held: heldBy(c.cat, beside.held)})
	}
}

// place is where the catalogue that will hold shows a badge.
func (c *changes) place(slug string) int {
	if at, ok := index(c.cat, slug); ok {
		return at
	}
	return len(c.cat.Badges)
}

func index(cat *catalog.Catalog, slug string) (int, bool) {
	at := slices.IndexFunc(cat.Badges, func(b catalog.Badge) bool { return b.Slug == slug })
	return at, at >= 0
}

// heldBy are badges as a user's row has them.
func heldBy(cat *catalog.Catalog, held map[string]int64) []processor.Held {
	var list []processor.Held
	for id, at := range cat.ByID {
		if earned, ok := held[cat.Badges[at].Slug]; ok {
			list = append(list, processor.Held{Badge: int16(id), At: earned})
		}
	}
	return list
}

// add adds a change to the history, with the evidence of one side.
func (c *changes) add(user, slug string, revoked bool, earnedAt int64, evidence *side, version int64) {
	at, _ := index(evidence.cat, slug)
	badge := &evidence.cat.Badges[at]
	var counters schemas.Numbers
	for _, n := range evidence.cat.CriterionCounters(at) {
		value := evidence.counters[n]
		if evidence.cat.Counters[n].Kind == catalog.Since {
			value = processor.Days(value, evidence.clock)
		}
		counters = append(counters, schemas.Number{Name: evidence.cat.Counters[n].Name, Value: value})
	}
	w := &c.switching.Switch
	c.history = append(c.history, HistoryRow{TopicPartition: w.TopicPartition, Offset: w.Offset, Ordinal: int64(len(c.history)),
		User: user, Badge: badge.Slug, Category: badge.Category, Criterion: badge.Criterion, Tier: int32(badge.Tier),
		Revoked: revoked, At: w.Time, EarnedAt: earnedAt, EventID: w.EventID, EventSource: w.EventSource,
		Counters: counters, Version: c.now.Version(version), CatalogVersion: c.now.CatalogVersion, Reason: switchReason})
}
