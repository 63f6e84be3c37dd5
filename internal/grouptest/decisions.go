package grouptest

import (
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/schemas"
)

// Decision makes the record of a person's decision, for the group's control
// topic.
func (g *Group) Decision(id string, d schemas.Decision) *kgo.Record {
	g.T.Helper()
	data, err := d.Append(nil)
	if err != nil {
		g.T.Fatal(err)
	}
	text := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/desk","type":%q,"subject":%q,"data":%s}`, id, d.Verb.Type(), d.User, data)
	return &kgo.Record{Topic: g.Config.Group + ".control", Value: []byte(text), Headers: Structured()}
}

// Decisions makes decisions of all kinds about users whom records are keyed by;
// one in twenty is about a badge that is not there.
func (g *Group) Decisions(seed uint64, about []*kgo.Record, n int) []*kgo.Record {
	g.T.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	verbs, badges := schemas.Verbs(), g.Catalog.Badges
	list := make([]*kgo.Record, n)
	for i := range list {
		d := schemas.Decision{Verb: verbs[rng.IntN(len(verbs))], User: string(about[rng.IntN(len(about))].Key), Badge: badges[rng.IntN(len(badges))].Slug, By: "a moderator", Reason: "it was asked for"}
		if rng.IntN(20) == 0 {
			d.Badge = "no-such-badge"
		}
		list[i] = g.Decision(fmt.Sprintf("%d-%d", seed, i), d)
	}
	return list
}
