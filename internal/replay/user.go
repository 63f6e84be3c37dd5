// Package replay folds a part of the log, one user's events or a stretch of a
// partition, into a scratch generation to look at. It changes nothing that
// anybody else reads.
package replay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/userlog"
	"github.com/badgestream/badgestream/projections"
)

// OfUser is what a user's events give.
type OfUser struct {
	projections.Scratch
	User string `json:"user"`
	// Counters, Members and Things are how many were compared, and Differences in
	// what the live rows are not what came out.
	Counters    int                          `json:"counters"`
	Members     int                          `json:"members"`
	Things      int                          `json:"things"`
	Differences []projections.UserDifference `json:"differences"`
	// Held are the badges held by what came out, Awards how many badges came and
	// went on the way. Untold are those held that the history tells otherwise.
	Held    []string `json:"held"`
	Awards  int      `json:"awards"`
	Untold  []string `json:"untold"`
	Begins  []string `json:"begins,omitempty"` // partitions that have lost their beginning
	Records int64    `json:"records"`
	Seconds float64  `json:"seconds"`
}

// User folds a user's events of the whole log into a scratch generation, and
// compares with the live rows of the same offsets.
func User(ctx context.Context, store *projections.Store, brokers []string, user string) (*OfUser, error) {
	began := time.Now()
	cat, in, err := store.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	m, err := store.UserAt(ctx, in, cat, user)
	if err != nil {
		return nil, err
	}
	reader, err := userlog.New(store, brokers, in, cat, user)
	if err != nil {
		return nil, err
	}
	fold, err := reader.NewFold(ctx)
	if err != nil {
		return nil, err
	}
	list, err := reader.Advance(ctx, m.Standing)
	if err != nil {
		return nil, err
	}
	if err := fold.Add(ctx, list); err != nil {
		return nil, err
	}
	fold.Finish()
	want := fold.State()
	if len(list) == 0 && !want.Found && !m.State.Found {
		return nil, errors.Newf("neither the log nor Postgres knows anything of user %q", user)
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	scratch, err := store.BeginScratch(ctx, in, cat, fmt.Sprintf("user %q", user), nil)
	if err != nil {
		return nil, err
	}
	if err := store.WriteScratch(ctx, in, cat, scratch.Generation, want, fold.Changes); err != nil {
		return nil, err
	}
	o := &OfUser{Scratch: *scratch, User: user, Counters: len(cat.Counters), Members: len(want.Members), Things: len(want.Things),
		Differences: m.State.Differs(want, cat), Held: []string{}, Awards: len(fold.Changes), Untold: untold(cat, m, want), Begins: reader.Begins, Records: reader.Records}
	for _, h := range want.Held {
		o.Held = append(o.Held, cat.Badges[cat.ByID[h.Badge]].Slug)
	}
	o.Seconds = time.Since(began).Seconds()
	return o, nil
}

// untold are badges that the history has and what came out has not, or the
// other way round.
func untold(cat *catalog.Catalog, m *projections.UserMoment, want *projections.UserState) []string {
	list := []string{}
	for i := range cat.Badges {
		b := &cat.Badges[i]
		_, told := m.Told[b.Slug]
		held := false
		for _, h := range want.Held {
			held = held || h.Badge == b.ID
		}
		if told != held {
			list = append(list, b.Slug)
		}
	}
	slices.Sort(list)
	return list
}
