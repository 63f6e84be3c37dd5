package grouptest

import (
	"context"
	"slices"
	"time"

	"github.com/badgestream/badgestream/internal/erasure"
	"github.com/badgestream/badgestream/projections"
)

// Holders are n users who got a badge, in the order of their ids, once there are
// so many.
func (g *Group) Holders(ctx context.Context, n int) (users []string) {
	g.T.Helper()
	g.Until(ctx, "users have badges", func() bool {
		users = nil
		for _, e := range g.Badges() {
			if !slices.Contains(users, e.User) {
				users = append(users, e.User)
			}
		}
		return len(users) >= n
	})
	slices.Sort(users)
	return users[:n]
}

// Erase erases n users who have got a badge, and waits until nothing is left of
// them. An engine must run.
func (g *Group) Erase(ctx context.Context, n int) []string {
	g.T.Helper()
	users := g.Holders(ctx, n)
	store, err := projections.Open(ctx, g.Config.Postgres, g.Config.Group)
	if err != nil {
		g.T.Fatal(err)
	}
	defer store.Close()
	_, done, err := erasure.Erase(ctx, store, g.Config.Brokers, users, "a moderator", "they asked for it", time.Minute)
	if err != nil || !done {
		g.T.Fatalf("nothing should be left of %v: %v", users, err)
	}
	return users
}
