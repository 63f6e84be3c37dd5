package schemas

// maxUnique is how many counters, and how many ages, parseFlat takes.
const maxUnique = 64

// parseFlat reads a snapshot that stands as Append writes it: all members, in
// their order, and no escapes. It gives false for everything else, and s then
// means nothing. The strings of s are parts of text.
//
// It takes nothing that parseSnapshotPlain would not take. It is worth its
// lines: BenchmarkParseSnapshot reads the same snapshot in a quarter of the time
// or less, with 7 allocations in place of 74, while somebody waits for a page.
func (s *Snapshot) parseFlat(text []byte) bool {
	f := flat{b: text}
	var order string
	return f.textAfter(`{"order":`, &order) &&
		f.textAfter(`,"user":`, &s.User) &&
		f.integerAfter(`,"epoch":`, &s.Epoch) &&
		f.integerAfter(`,"version":`, &s.Version) &&
		f.integerAfter(`,"catalog":`, &s.Catalog) && s.follows(order) &&
		listAfter(&f, `,"counters":{`, '}', (*flat).number, (*[]Number)(&s.Counters)) && s.Counters.unique() &&
		listAfter(&f, `,"since":{`, '}', (*flat).instant, (*[]Instant)(&s.Since)) && s.Since.unique() &&
		listAfter(&f, `,"earned":[`, ']', (*flat).earned, &s.Earned) &&
		listAfter(&f, `,"in_progress":[`, ']', (*flat).inProgress, &s.InProgress) &&
		listAfter(&f, `,"pins":[`, ']', (*flat).text, &s.Pins) &&
		f.literal("}") && f.end()
}

func (f *flat) number() (n Number, ok bool) {
	ok = f.textAfter("", &n.Name) && f.integerAfter(":", &n.Value)
	return n, ok
}

func (f *flat) instant() (n Instant, ok bool) {
	ok = f.textAfter("", &n.Name) && f.timeAfter(":", &n.At)
	return n, ok
}

func (f *flat) earned() (e Earned, ok bool) {
	ok = f.textAfter(`{"badge":`, &e.Badge) && f.timeAfter(`,"earned_at":`, &e.At) && f.literal("}")
	return e, ok
}

func (f *flat) inProgress() (p InProgress, ok bool) {
	ok = f.textAfter(`{"badge":`, &p.Badge) && f.integerAfter(`,"value":`, &p.Value) &&
		f.integerAfter(`,"threshold":`, &p.Threshold) && f.integerAfter(`,"percent":`, &p.Percent) && f.literal("}")
	return p, ok
}

// textAfter reads a string that stands right after lead.
func (f *flat) textAfter(lead string, s *string) (ok bool) {
	if f.literal(lead) {
		*s, ok = f.text()
	}
	return ok
}

func (f *flat) integerAfter(lead string, n *int64) (ok bool) {
	if f.literal(lead) {
		*n, ok = f.integer()
	}
	return ok
}

func (f *flat) timeAfter(lead string, at *int64) (ok bool) {
	var s string
	if f.textAfter(lead, &s) {
		*at, ok = parseTime(s)
	}
	return ok
}

// listAfter reads elements up to the closing byte. They are gathered on the
// stack, so that the list is allocated once; longer ones than usual cost more.
func listAfter[T any](f *flat, lead string, closing byte, read func(*flat) (T, bool), out *[]T) bool {
	if !f.literal(lead) {
		return false
	}
	var usual [32]T
	list := usual[:0]
	for f.i < len(f.b) && f.b[f.i] != closing {
		if len(list) > 0 && !f.literal(",") {
			return false
		}
		element, ok := read(f)
		if !ok {
			return false
		}
		list = append(list, element)
	}
	*out = make([]T, len(list))
	copy(*out, list)
	return f.take(closing)
}

// unique says that no name is there twice. Names are compared each with each,
// so it gives up where they are too many for that.
func unique(n int, name func(int) string) bool {
	if n > maxUnique {
		return false
	}
	for i := range n {
		for k := range i {
			if name(i) == name(k) {
				return false
			}
		}
	}
	return true
}

func (n Numbers) unique() bool { return unique(len(n), func(i int) string { return n[i].Name }) }

func (n Instants) unique() bool { return unique(len(n), func(i int) string { return n[i].Name }) }
