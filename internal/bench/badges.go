package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/errors"
	"github.com/goccy/go-yaml"

	"github.com/badgestream/badgestream/internal/catalog"
)

// measureBadges is the drain with a large catalogue, against the catalogue as
// it is. Both have the same counters. The CPU time is the whole process's, and
// holds what it takes to read the catalogue once.
func measureBadges(ctx context.Context, b *bench, r *Result) (err error) {
	const many, few = "badges-many", "badges-few"
	l, err := b.log(ctx)
	if err != nil {
		return err
	}
	dir, remove, err := temporary()
	if err != nil {
		return err
	}
	defer remove(&err)
	cat, err := catalog.Load(b.Workload.Catalog)
	if err != nil {
		return err
	}
	large, err := b.enlarged(cat, dir, b.Badges)
	if err != nil {
		return err
	}
	turns, err := b.alternate(ctx, b.Workload.Rounds,
		func(round int) contender { return large.engine(many, l.whole, round) },
		func(round int) contender { return b.engine(few, l.whole, round) })
	if err != nil {
		return err
	}
	r.drained("badges", plural(int64(b.Badges), "badge"), turns, many, few, plural(int64(len(cat.Badges)), "badge"))
	return nil
}

// temporary makes a directory that the function which it returns removes.
func temporary() (string, func(*error), error) {
	dir, err := os.MkdirTemp("", "badgestream-bench-")
	return dir, func(err *error) {
		*err = errors.CombineErrors(*err, errors.Wrap(os.RemoveAll(dir), "remove the benchmark's files"))
	}, errors.Wrap(err, "make a directory for the benchmark's files")
}

// enlarged is the benchmark with a catalogue of so many badges, made of its own,
// which stands in the directory.
func (b *bench) enlarged(cat *catalog.Catalog, dir string, badges int) (*bench, error) {
	text, err := enlarge(cat, badges, b.Workload.Events)
	if err != nil {
		return nil, errors.Wrapf(err, "make catalogue %s larger", cat.Name)
	}
	path := filepath.Join(dir, fmt.Sprintf("%d-badges.yaml", badges))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, errors.Wrap(err, "write a larger catalogue")
	}
	return b.with(func(c *Config) { c.Workload.Catalog = path }), nil
}

// highestTier is the highest that a badge can have, so that what is added
// stands above what is there.
const highestTier = 100

// enlarge adds badges to a catalogue's ladders until there are so many. Each
// takes more than there are events, and no event counts twice for one user: so
// nobody ever gets one of them, and what is awarded stays as it was.
func enlarge(cat *catalog.Catalog, badges int, events int64) ([]byte, error) {
	var file yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(cat.Text, &file, yaml.UseOrderedMap()); err != nil {
		return nil, errors.Wrap(err, "read it")
	}
	ladders := ladders(file)
	if len(ladders) == 0 {
		return nil, errors.New("it has no group of badges of one counter that grows without end")
	}
	for n := range badges - len(cat.Badges) {
		group := ladders[n%len(ladders)]
		rungs, _ := group[badgesOf(group)].Value.([]any)
		group[badgesOf(group)].Value = append(rungs, yaml.MapSlice{
			{Key: "slug", Value: fmt.Sprintf("bench-%d", n)},
			{Key: "name", Value: fmt.Sprintf("Bench %d", n)},
			{Key: "tier", Value: highestTier},
			{Key: "at_least", Value: events + int64(n) + 1},
		})
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		return nil, errors.Wrap(err, "write it")
	}
	larger, err := catalog.Parse("larger.yaml", text)
	if err != nil {
		return nil, err
	}
	if len(larger.Badges) != badges {
		return nil, errors.Newf("it has %d badges, not %d", len(larger.Badges), badges)
	}
	return text, nil
}

// ladders are the groups of badges of one counter that has no most: of a set
// or of things.
func ladders(file yaml.MapSlice) []yaml.MapSlice {
	counters, _ := entry(file, "counters").(yaml.MapSlice)
	groups, _ := entry(file, "badges").([]any)
	var found []yaml.MapSlice
	for _, g := range groups {
		group, _ := g.(yaml.MapSlice)
		name, _ := entry(group, "counter").(string)
		counter, _ := entry(counters, name).(yaml.MapSlice)
		if entry(counter, "set") != nil || entry(counter, "things") != nil {
			found = append(found, group)
		}
	}
	return found
}

func entry(m yaml.MapSlice, key string) any {
	for _, item := range m {
		if item.Key == key {
			return item.Value
		}
	}
	return nil
}

// badgesOf is where a group's badges stand in it.
func badgesOf(group yaml.MapSlice) int {
	for i, item := range group {
		if item.Key == "badges" {
			return i
		}
	}
	return 0
}
