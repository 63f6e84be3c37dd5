package operatortest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Anything makes events of every type of a catalogue about somebody. All ids
// come from one pool, so that everybody credits everybody; times go to and fro
// in the million seconds from an instant on.
func Anything(cat *catalog.Catalog, seed uint64, n int, from time.Time, id func(*rand.Rand) string) []*kgo.Record {
	rng := rand.New(rand.NewPCG(seed, 3))
	var records []*kgo.Record
	for len(records) < n {
		shape := &cat.Events[rng.IntN(len(cat.Events))].Shape
		if shape.NoSubject {
			continue
		}
		var fields []string
		for _, f := range shape.Fields {
			value := fmt.Sprintf("%q", id(rng))
			switch f.Kind {
			case schemas.FieldInt:
				value = fmt.Sprint(f.Min + rng.Int64N(f.Max-f.Min+1))
			case schemas.FieldEnum:
				value = fmt.Sprintf("%q", f.Values[rng.IntN(len(f.Values))])
			case schemas.FieldSet:
				value = fmt.Sprintf("[%q]", f.Values[rng.IntN(len(f.Values))])
			}
			fields = append(fields, fmt.Sprintf("%q:%s", f.Name, value))
		}
		records = append(records, Event(fmt.Sprintf("%d-%d", seed, len(records)), shape.Type, id(rng),
			from.Add(time.Duration(rng.IntN(1_000_000))*time.Second), "{"+strings.Join(fields, ",")+"}"))
	}
	return records
}
