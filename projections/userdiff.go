package projections

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/schemas"
)

// UserDifference is one thing in which a user's rows are not what they should
// be.
type UserDifference struct {
	// What is a column of the user's row, or the name of a member or a thing.
	What string `json:"what"`
	Has  string `json:"has"`
	Want string `json:"want"`
}

// Differs says in what rows are not those that are wanted, column by column and
// then row by row. It is empty if there is nothing.
func (s *UserState) Differs(want *UserState, cat *catalog.Catalog) []UserDifference {
	list := []UserDifference{}
	note := func(what string, has, wants any) {
		if h, w := fmt.Sprint(has), fmt.Sprint(wants); h != w {
			list = append(list, UserDifference{what, h, w})
		}
	}
	note("row", presence(s.Found), presence(want.Found))
	note("version", s.Version, want.Version)
	for i := range cat.Counters {
		note(cat.Counters[i].Name, s.Counters[i], want.Counters[i])
	}
	note("held", heldText(cat, s.Held), heldText(cat, want.Held))
	note("decided", handText(cat, s.ByHand), handText(cat, want.ByHand))
	note("due_at", dueText(s.DueAt), dueText(want.DueAt))
	for _, rows := range [][2]map[int64]StoredRow{{s.Members, want.Members}, {s.Things, want.Things}} {
		var part []UserDifference
		for k := range mergedKeys(rows) {
			has, there := rows[0][k]
			wants, stays := rows[1][k]
			if there == stays && has.same(wants) {
				continue
			}
			name := wants.Name
			if name == "" {
				name = fmt.Sprintf("collection %d, key %d", has.Collection, k)
			}
			part = append(part, UserDifference{name, rowText(has, there), rowText(wants, stays)})
		}
		slices.SortFunc(part, func(a, b UserDifference) int { return cmp.Compare(a.What, b.What) })
		list = append(list, part...)
	}
	return list
}

func mergedKeys(rows [2]map[int64]StoredRow) map[int64]StoredRow {
	all := maps.Clone(rows[0])
	maps.Copy(all, rows[1])
	return all
}

func presence(is bool) string {
	if is {
		return "there"
	}
	return "none"
}

func rowText(r StoredRow, there bool) string {
	if !there {
		return "none"
	}
	text := fmt.Sprintf("state %d", r.State)
	if r.Sums != [catalog.MaxSums]int64{} {
		text += fmt.Sprintf(", sums %v", r.Sums)
	}
	if r.At != 0 {
		text += " as of " + schemas.FormatTime(r.At)
	}
	return text
}

func dueText(at int64) string {
	if at == 0 {
		return "none"
	}
	return schemas.FormatTime(at)
}

// handText shows what people decided.
func handText(cat *catalog.Catalog, h *processor.ByHand) string {
	if h == nil {
		h = &processor.ByHand{}
	}
	names := func(ids []int16) []string {
		slugs := []string{}
		for _, id := range ids {
			slugs = append(slugs, cat.Badges[cat.ByID[id]].Slug)
		}
		return slugs
	}
	return fmt.Sprintf("granted %v, revoked %v, pinned %v", names(h.Granted), names(h.Withheld), names(h.Pins))
}

func heldText(cat *catalog.Catalog, held []processor.Held) string {
	list := make([]string, len(held))
	for i, h := range held {
		list[i] = fmt.Sprintf("badge %d", h.Badge)
		if h.Badge >= 0 && int(h.Badge) < len(cat.ByID) {
			list[i] = cat.Badges[cat.ByID[h.Badge]].Slug
		}
		list[i] += " since " + schemas.FormatTime(h.At)
	}
	return "[" + strings.Join(list, ", ") + "]"
}
