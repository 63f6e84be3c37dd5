package drift

import (
	"context"
	"slices"
)

func equal[T comparable](a, b []T) bool { return slices.Equal(a, b) }

// undecided leaves out the badges that not the rules decided.
func undecided(list, decided []int16) []int16 {
	return slices.DeleteFunc(slices.Clone(list), func(id int16) bool { return slices.Contains(decided, id) })
}

// The most keys and findings of one statement.
const (
	keyPage  = 100_000
	mostRows = 10_000
)

// owned looks for members and awards of users who have no row. Members of users
// who came after their slice was looked at are asked after once more.
func (a *audit) owned(ctx context.Context) error {
	var strays []int64
	for after := int64(-1 << 63); ; {
		page, err := a.drift.MemberKeys(ctx, after, keyPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		a.report.Looked(Owned, int64(len(page)))
		for _, k := range page {
			if _, known := a.keys[k]; !known {
				strays = append(strays, k)
			}
		}
		after = page[len(page)-1]
	}
	for some := range slices.Chunk(strays, mostRows) {
		ownerless, err := a.drift.Ownerless(ctx, some)
		if err != nil {
			return err
		}
		for _, k := range ownerless {
			if a.in.ErasesKey(k) {
				continue // they go within seconds
			}
			a.report.Find(Owned, "members under the user key %d add up to something, and there is no row of their user", k)
		}
	}
	users, err := a.store.Strays(ctx, a.in, mostRows)
	for _, user := range users {
		a.report.Find(Owned, "%q has awards, and no row", user)
	}
	return err
}

// tables looks at the places and at the ledger.
func (a *audit) tables(ctx context.Context) error {
	wrong, looked, err := a.store.WrongPlaces(ctx, a.in, a.drift)
	if err != nil {
		return err
	}
	a.report.Looked(PlacesDrawn, looked)
	for _, text := range wrong {
		a.report.Find(PlacesDrawn, "%s", text)
	}
	gaps, looked, err := a.store.Gaps(ctx, mostRows)
	if err != nil {
		return err
	}
	a.report.Looked(LedgerTiles, looked)
	for _, text := range gaps {
		a.report.Find(LedgerTiles, "%s", text)
	}
	return nil
}

// Of rejected records, a few more than before are no growth.
const (
	fewRejects = 10
	manyTimes  = 3
)

// letters looks how many records were rejected of late.
func (a *audit) letters(ctx context.Context) error {
	hour, before, open, err := a.store.Growth(ctx)
	if err != nil {
		return err
	}
	a.report.Looked(DeadLetters, hour)
	if hour > fewRejects && float64(hour) > manyTimes*before {
		a.report.Find(DeadLetters, "%d records were rejected in the last hour, and %.1f in an hour of the day before: `badgestream dlq list --counts --by-type --since 1h`", hour, before)
	}
	if open > 0 {
		a.report.Note("%d dead letters wait for somebody to decide: `badgestream dlq list --state open`", open)
	}
	return nil
}
