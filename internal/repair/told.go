package repair

import (
	"fmt"
	"slices"

	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

// untold are the badges that the history, and so the award topic, told
// otherwise than the log gives. The history is never written here: it says what
// was published. So what it does not say would have to be told by a badge event
// of its own, which only a switch gives.
func (r *repair) untold(m *projections.UserMoment, want *projections.UserState) []string {
	held, list := map[string]int64{}, []string{}
	for _, h := range want.Held {
		held[r.cat.Badges[r.cat.ByID[h.Badge]].Slug] = h.At
	}
	for i := range r.cat.Badges {
		slug := r.cat.Badges[i].Slug
		at, has := held[slug]
		told, was := m.Told[slug]
		switch {
		case has && !was:
			list = append(list, fmt.Sprintf("%s: held since %s by the log, and the history has no award that stands", slug, schemas.FormatTime(at)))
		case was && !has:
			list = append(list, fmt.Sprintf("%s: not held by the log, and awarded by the history at %s", slug, schemas.FormatTime(told)))
		case was && told != at && r.in.Turn == 0: // a switch tells nothing of other times
			list = append(list, fmt.Sprintf("%s: held since %s by the log, and since %s by the history", slug, schemas.FormatTime(at), schemas.FormatTime(told)))
		}
	}
	slices.Sort(list)
	return list
}
