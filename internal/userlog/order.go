package userlog

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/badgestream/badgestream/projections"
)

// order brings records into the order in which they took effect. Those that the
// ledger does not know any more come first, as they stand in the log.
func order(ctx context.Context, store *projections.Store, list []Record) error {
	const page = 5_000
	places := make([]projections.Place, len(list))
	for i := range list {
		places[i] = list[i].Place
	}
	for from := 0; from < len(places); from += page {
		numbers, _, err := store.FoldedBy(ctx, places[from:min(len(places), from+page)])
		if err != nil {
			return err
		}
		for i, n := range numbers {
			list[from+i].Number = n
		}
	}
	slices.SortStableFunc(list, func(x, y Record) int {
		return cmp.Or(cmp.Compare(x.Number, y.Number), strings.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Offset, y.Offset))
	})
	return nil
}
