package schemas

import (
	"encoding/json"

	"github.com/cockroachdb/errors"
)

// CatalogView is what a reader of snapshots must know of the catalogue. It
// stands in Redis under a key of its own and changes rarely.
// catalog-view.schema.json is its JSON.
type CatalogView struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
	// Counters are all counters in the catalogue's order, ages among them.
	Counters []string `json:"counters"`
	// Ages are those of Counters that count whole days since an instant.
	Ages   []string    `json:"ages"`
	Badges []BadgeView `json:"badges"` // in display order
	Groups []GroupView `json:"groups"` // in display order
}

// BadgeView is one badge as people see it.
type BadgeView struct {
	Slug        string `json:"slug"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Category    string `json:"category"`
	Criterion   string `json:"criterion"`
	Tier        int    `json:"tier"`
	Rare        bool   `json:"rare"`
	Sticky      bool   `json:"sticky"` // never taken away again
	// Thresholds are what must all be reached to hold the badge.
	Thresholds []Threshold `json:"thresholds"`
}

// Threshold is one condition of a badge.
type Threshold struct {
	// Label is the counter's name, or the ratio's.
	Label string `json:"label"`
	// Of and To are a ratio's counters, above and below the line.
	Of string `json:"of,omitempty"`
	To string `json:"to,omitempty"`
	// AtLeast is what must be reached; of a ratio, in percent, of an age, in
	// days. It is a whole number but of ratios.
	AtLeast float64 `json:"at_least"`
}

// GroupView is the ladder of one (category, criterion).
type GroupView struct {
	Category  string   `json:"category"`
	Criterion string   `json:"criterion"`
	Badges    []string `json:"badges"` // slugs, in display order
}

// ParseCatalogView reads the JSON of a CatalogView.
func ParseCatalogView(text []byte) (*CatalogView, error) {
	var v CatalogView
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, errors.Wrapf(err, "read a catalogue view of %d bytes", len(text))
	}
	return &v, nil
}
