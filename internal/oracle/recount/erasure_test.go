package recount_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// TestErasedIsASystemAccount recounts random logs in which users are erased, and
// the same logs in which, from each erasure on, what credits such a user credits a
// system account. Everybody else must come out the same, to the version and the
// number of each change, and places too; and so must the halves of the users.
func TestErasedIsASystemAccount(t *testing.T) {
	text := strings.Replace(small, "things:", "system_accounts: [bot]\nthings:", 1)
	cat, err := catalog.Parse("small", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var met tally
	for seed := range uint64(400) {
		l := newErasing(t, cat, seed)
		for i := range int64(120) {
			l.next(i)
		}
		l.compare()
		met.add(&l.tally)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for what, n := range met {
		if n == 0 {
			t.Errorf("it never came to %s", what)
		}
	}
}

// tally counts what happened.
type tally map[string]int

func (c *tally) add(o *tally) {
	if *c == nil {
		*c = tally{}
	}
	for what, n := range *o {
		(*c)[what] += n
	}
}

// erasing is a random log, recounted as it is, by halves of the users, and told
// with a system account.
type erasing struct {
	t                   *testing.T
	rng                 *rand.Rand
	is, even, odd, told *recount.Recount
	gone                map[string]bool
	tally               tally
	day                 int
}

const everybody = "abcdefgh"

func newErasing(t *testing.T, cat *catalog.Catalog, seed uint64) *erasing {
	t.Helper()
	half := func(user string) bool { return user[0]%2 == 0 }
	l := &erasing{t: t, rng: rand.New(rand.NewPCG(seed, 1)), gone: map[string]bool{}, day: 1,
		tally: tally{"a change of the erased": 0, "what came of the erased": 0, "a decision about the erased": 0, "a duplicate": 0, "a place": 0, "an invalid one": 0}}
	l.is, l.told = recount.New("g", cat, 1, nil), recount.New("g", cat, 1, nil)
	l.even, l.odd = recount.New("g", cat, 1, half), recount.New("g", cat, 1, func(user string) bool { return !half(user) })
	for _, r := range []*recount.Recount{l.is, l.even, l.odd} {
		r.HashBy(func(user string) schemas.UserHash { return schemas.HashUser([16]byte{9}, user) })
	}
	return l
}

func (l *erasing) user() string {
	i := l.rng.IntN(len(everybody))
	return everybody[i : i+1]
}

// next gives all recounts one more record.
func (l *erasing) next(offset int64) {
	id, user, other := fmt.Sprint("e", offset-int64(l.rng.IntN(5)/4)), l.user(), l.user()
	switch n := l.rng.IntN(30); {
	case n == 0:
		l.erase(offset, user, other)
	case n == 1:
		l.day += l.rng.IntN(5)
		l.record("activity", offset, schemas.TickType, "tick"+id, "", "", `{}`)
	case n == 2: // of another topic it means nothing, and of no hash it is invalid
		l.record("activity", offset, schemas.EraseType, id, "", "", l.erasure(user))
		l.record("g.control", offset, schemas.EraseType, id, "", "", `{"users":[],"by":"anna"}`)
	case n < 7:
		verb := schemas.Verbs()[l.rng.IntN(len(schemas.Verbs()))]
		badge := []string{"spender", "day", "early", "liked", "none"}[l.rng.IntN(5)]
		l.record("g.control", offset, verb.Type(), id, user, user, fmt.Sprintf(`{"badge":%q,"by":"anna","reason":"so"}`, badge))
	case n < 13:
		l.record("activity", offset, "joined", id, user, user, `{}`)
	case n < 20:
		l.record("activity", offset, "rated", id, other, user, fmt.Sprintf(`{"what":"w%d","by":"BY","mark":%d}`, l.rng.IntN(2), l.rng.IntN(9)-3))
	default:
		l.record("activity", offset, "paid", id, user, user, fmt.Sprintf(`{"cents":%d}`, 1+l.rng.IntN(9)))
	}
}

// record gives one record, in which the credited user stands as the subject or as
// BY. What credits or is about somebody who is gone is told of the system account.
func (l *erasing) record(topic string, offset int64, kind, id, subject, credited, data string) {
	is := l.make(topic, offset, kind, id, subject, strings.Replace(data, "BY", credited, 1))
	told := is
	if _, decides := schemas.VerbOf(kind); l.gone[credited] && decides {
		// Nothing can be decided about a system account: it is paid something.
		l.tally["a decision about the erased"]++
		told = l.make(topic, offset, "paid", id, "bot", `{"cents":1}`)
	} else if l.gone[credited] {
		l.tally["what came of the erased"]++
		if subject == credited && kind != "rated" {
			subject = "bot"
		}
		told = l.make(topic, offset, kind, id, subject, strings.Replace(data, "BY", "bot", 1))
	}
	got, changes := l.give(l.is, is)
	l.give(l.even, is)
	l.give(l.odd, is)
	same, want := l.give(l.told, told)
	if same == recount.Decided && l.gone[credited] {
		same = recount.Counted
	}
	if got != same {
		l.t.Errorf("%s is %d, and told otherwise %d", is.Value, got, same)
	}
	if got == recount.Duplicate {
		l.tally["a duplicate"]++
	}
	if got == recount.Rejected {
		l.tally["an invalid one"]++
	}
	// Of those who are gone, the other one goes on to tell.
	want = slices.DeleteFunc(want, func(e schemas.BadgeEvent) bool { return l.gone[e.User] })
	for i := range want {
		want[i].Ordinal = int64(i)
	}
	if len(want)+len(changes) > 0 && !reflect.DeepEqual(changes, want) {
		l.t.Errorf("%s gives\n%+v\nand told otherwise\n%+v", is.Value, changes, want)
	}
}

func (l *erasing) make(topic string, offset int64, kind, id, subject, data string) *recount.Record {
	at := fmt.Sprintf("2026-01-%02dT00:00:00Z", min(28, l.day))
	value := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/s","type":%q,"subject":%q,"time":%q,"data":%s}`, id, kind, subject, at, data)
	if subject == "" {
		value = strings.Replace(value, `"subject":"",`, "", 1)
	}
	return &recount.Record{Partition: recount.Partition{Topic: topic}, Offset: offset, Timestamp: math.MinInt64, Value: []byte(value)}
}

func (l *erasing) give(r *recount.Recount, rec *recount.Record) (recount.Verdict, []schemas.BadgeEvent) {
	verdict, changes, _ := r.Record(rec)
	if verdict == recount.Tick {
		_, changes = r.Step(rec.Partition, true, math.MaxInt64, 0)
	}
	return verdict, changes
}

func (l *erasing) erasure(users ...string) string {
	list := make([]string, len(users))
	for i, user := range users {
		hash, _ := schemas.HashUser([16]byte{9}, user).MarshalText()
		list[i] = fmt.Sprintf("%q", hash)
	}
	return fmt.Sprintf(`{"users":[%s],"by":"anna","reason":"so"}`, strings.Join(list, ","))
}

// erase is told of to all but the one that knows of no erasures. Half of the
// users stay.
func (l *erasing) erase(offset int64, users ...string) {
	if len(l.gone) > len(everybody)/2 {
		return
	}
	rec := l.make("g.control", offset, schemas.EraseType, "erase", "", l.erasure(users...))
	for _, r := range []*recount.Recount{l.is, l.even, l.odd} {
		verdict, changes := l.give(r, rec)
		if said := r.Erasure(rec.Partition); verdict != recount.Erased || len(changes) > 0 || len(said.Users) != len(users) || said.By != "anna" || said.Cause.Offset != offset {
			l.t.Errorf("an erasure is %d, and gives %v: %+v", verdict, changes, said)
		}
	}
	for _, user := range users {
		if u := l.told.Users()[user]; u != nil && len(u.Held) > 0 {
			l.tally["a change of the erased"]++
		}
		l.gone[user] = true
	}
}

// compare looks at everybody.
func (l *erasing) compare() {
	for user := range l.gone {
		if l.is.Users()[user] != nil || l.is.Due(user) != 0 {
			l.t.Errorf("of %s something is left: %+v, due %d", user, l.is.Users()[user], l.is.Due(user))
		}
	}
	want := maps.Clone(l.told.Users())
	maps.DeleteFunc(want, func(user string, _ *recount.User) bool { return l.gone[user] })
	if !reflect.DeepEqual(l.is.Users(), want) {
		l.t.Errorf("the users are %v, and told otherwise %v", l.is.Users(), want)
	}
	halves := maps.Clone(l.even.Users())
	maps.Copy(halves, l.odd.Users())
	if !reflect.DeepEqual(l.is.Users(), halves) {
		l.t.Errorf("the users are %v, and by halves %v", l.is.Users(), halves)
	}
	for user := range want {
		if l.is.Due(user) != l.told.Due(user) {
			l.t.Errorf("%s is due at %d, and told otherwise at %d", user, l.is.Due(user), l.told.Due(user))
		}
	}
	cat := l.is.Catalog()
	for i := range cat.Collections {
		if cat.Collections[i].Kind == catalog.First {
			l.tally["a place"] += int(l.is.Places(i))
		}
		if l.is.Places(i) != l.told.Places(i) || l.is.Places(i) != l.even.Places(i) {
			l.t.Errorf("%d places of %s are taken, told otherwise %d", l.is.Places(i), cat.Collections[i].Name, l.told.Places(i))
		}
	}
}
