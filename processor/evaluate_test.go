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

// judge follows what every user should hold.
type judge struct {
	cat  *catalog.Catalog
	held map[string]map[int]int64 // user → badge → since
}

// after looks at all badges of all users after one event, and says what of
// them changed by it, in the order in which it must be told.
func (j *judge) after(m *processor.Memory, at int64) []string {
	var users []processor.Final
	m.Users(func(f processor.Final) { users = append(users, f) })
	slices.SortFunc(users, func(a, b processor.Final) int { return cmp.Compare(a.User, b.User) })
	var changes []string
	for _, f := range users {
		if j.held[f.User] == nil {
			j.held[f.User] = map[int]int64{}
		}
		held := j.held[f.User]
		for badge := range j.cat.Badges {
			_, has := held[badge]
			is := isTrue(j.cat, badge, f.Counters, m.Clock())
			switch {
			case is && !has:
				held[badge] = at
				changes = append(changes, told(f.User, j.cat.Badges[badge].Slug, false, at, f.Version))
			case !is && has && !j.cat.Badges[badge].Sticky:
				changes = append(changes, told(f.User, j.cat.Badges[badge].Slug, true, held[badge], f.Version))
				delete(held, badge)
			}
		}
	}
	return changes
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
				j := judge{cat, map[string]map[int]int64{}}
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
					if want := j.after(m, ev.Time); !slices.Equal(got, want) {
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
