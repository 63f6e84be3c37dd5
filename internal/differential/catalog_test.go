package differential_test

import (
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/differential"
)

// TestDrawnCatalogs wants every catalogue that is drawn to be right, and all of
// the language to be drawn.
func TestDrawnCatalogs(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for seed := range uint64(250) {
		text := differential.Catalog(differential.New(seed, nil))
		if _, err := catalog.Parse("drawn.yaml", []byte(text)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		all.WriteString(text)
	}
	for _, word := range []string{"system_accounts:", "window: 0}", "window: 1}", "?: id", "?: {int", "?: {set", "{enum: ", "create: ", "delete: what", "delete: true",
		"insert: ", "update: ", "unset: true", "set: true", "set: mood", "set: n", "set: parts", "set: 2", "add: subject", "remove: ", "unless: [", "credit: who", "thing: ", "order: time", "order: fold",
		"adds: members", "adds: values", "value: cosy", "value: 1", "{map: z", "{gauge: ", "total: ", "subtract: wide", "add: 1", "first: ", "age: ", "sum: ", "mean: ", "count: ", "decimals: 0",
		".5, decimals", "ratio: ", "percent: 100", "counter: ", "all: [", "tier: 3", "sticky: true", "rare: true", "9007199254740991", "36500"} {
		if !strings.Contains(all.String(), word) {
			t.Errorf("no catalogue has %q", word)
		}
	}
}
