package processor_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// isTrue says by the catalogue's words whether a badge's criterion is true.
func isTrue(cat *catalog.Catalog, badge int, counters []int64, clock int64) bool {
	for _, c := range cat.Badges[badge].All {
		value := counters[c.Counter]
		if cat.Counters[c.Counter].Kind == catalog.Since {
			switch {
			case value == 0 || clock <= value:
				value = 0
			default:
				value = (clock - value) / (24 * 3600 * 1_000_000)
			}
		}
		if c.Kind == catalog.AtLeast && value < c.Threshold {
			return false
		}
		if c.Kind == catalog.Ratio {
			whole := counters[c.Whole]
			if whole <= 0 || big.NewRat(value*10_000, whole).Cmp(big.NewRat(c.Threshold, 1)) < 0 {
				return false
			}
		}
	}
	return true
}

// judge follows what every user should be.
type judge struct {
	cat   *catalog.Catalog
	clock int64
	users map[string]*judged
}

type judged struct {
	counters []int64
	version  int64
	held     map[int]int64 // badge → since
}

// after looks at all badges of all users after one event, and says what of
// them changed by it, in the order in which it must be told.
func (j *judge) after(t *testing.T, m *processor.Memory, at int64) []string {
	t.Helper()
	var users []processor.Final
	m.Users(func(f processor.Final) { users = append(users, f) })
	slices.SortFunc(users, func(a, b processor.Final) int { return cmp.Compare(a.User, b.User) })
	var changes []string
	for _, f := range users {
		u := j.users[f.User]
		if u == nil {
			u = &judged{make([]int64, len(j.cat.Counters)), 0, map[int]int64{}}
			j.users[f.User] = u
		}
		// A version rises by one with each event that has an effect.
		if !slices.Equal(u.counters, f.Counters) || j.isDue(u.counters, m.Clock()) {
			u.version++
		}
		if u.version != f.Version {
			t.Fatalf("version of %s is %d, want %d", f.User, f.Version, u.version)
		}
		u.counters = slices.Clone(f.Counters)
		for badge := range j.cat.Badges {
			since, has := u.held[badge]
			is := isTrue(j.cat, badge, f.Counters, m.Clock())
			switch {
			case is && !has:
				u.held[badge] = at
				changes = append(changes, told(f.User, j.cat.Badges[badge].Slug, false, at, f.Version))
			case !is && has && !j.cat.Badges[badge].Sticky:
				delete(u.held, badge)
				changes = append(changes, told(f.User, j.cat.Badges[badge].Slug, true, since, f.Version))
			}
		}
	}
	j.clock = m.Clock()
	return changes
}

// isDue says whether the clock passed an instant that some badge waits for.
func (j *judge) isDue(counters []int64, clock int64) bool {
	for badge := range j.cat.Badges {
		for _, c := range j.cat.Badges[badge].All {
			due := counters[c.Counter] + c.Threshold*24*3600*1_000_000
			if j.cat.Counters[c.Counter].Kind == catalog.Since && counters[c.Counter] != 0 && j.clock < due && due <= clock {
				return true
			}
		}
	}
	return false
}

func told(user, badge string, revoked bool, earned, version int64) string {
	return fmt.Sprintf("%s %s revoked=%v earned=%d version=%d", user, badge, revoked, earned, version)
}

// TestNoCrossingIsMissed folds random streams one event at a time, and after
// each looks at every badge of every user.
func TestNoCrossingIsMissed(t *testing.T) {
	for name, cat := range catalogs(t) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, "/", seed), func(t *testing.T) {
				t.Parallel()
				m, b, w := processor.NewMemory(cat), processor.New(cat), processor.NewWindow(cat.DedupeWindow)
				j := judge{cat: cat, users: map[string]*judged{}}
				moved := 0
				for offset, line := range bytes.Split(stream(cat, 100+seed, 1200), []byte("\n")) {
					var ev schemas.Event
					if schemas.DecodeStructured(line, &ev) != nil {
						continue
					}
					src := processor.Source{Offset: int64(offset), ID: ev.ID, Time: ev.Time}
					verdict, err := b.Add(&ev, src, w)
					if verdict == processor.Tick {
						err = m.Tick(b, src)
					} else if err == nil {
						err = m.Fold(b)
					}
					if err != nil {
						t.Fatal(err)
					}
					var got []string
					for i, c := range b.Changes() {
						if c.Ordinal != int64(i) || c.Source != src {
							t.Fatalf("line %d: change %d has ordinal %d and source %v", offset+1, i, c.Ordinal, c.Source)
						}
						got = append(got, told(c.User, cat.Badges[c.Badge].Slug, c.Revoked, c.EarnedAt, c.Version))
					}
					if want := j.after(t, m, ev.Time); !slices.Equal(got, want) {
						t.Fatalf("line %d, %s:\n got %q\nwant %q", offset+1, line, got, want)
					}
					moved += len(got)
					b.Reset()
				}
				if moved < 30 {
					t.Errorf("%d changes prove nothing", moved)
				}
			})
		}
	}
}
