package schemas

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func awardOfFirstLight() BadgeEvent {
	return BadgeEvent{
		Group: "badgestream", User: "u1", Time: 1772366401_000_000, Badge: "first-light", Tier: 1,
		Category: "EXPLORATION", Criterion: "LOCATION_VISITS", EarnedAt: 1772366401_000_000,
		Counters:       Numbers{{"location_visits", 1}},
		Cause:          Cause{Topic: "activity", Partition: 3, Offset: 17, ID: "e1", Source: "/starview"},
		CatalogVersion: 2, UserVersion: 5, Reason: ReasonActivity,
	}
}

// badgeEvents are varied: ordinary ones, and such that strain the writer.
func badgeEvents() []BadgeEvent {
	plain := awardOfFirstLight()
	revoked := awardOfFirstLight()
	revoked.Revoked, revoked.Ordinal, revoked.EarnedAt = true, 7, plain.EarnedAt-86400_000_001
	odd := BadgeEvent{
		Group: "g-1.x_y", User: "\"\\\u0001\n\u007f\u2028ユーザー😀<>&", Time: -1, Badge: "é", Tier: 5, Category: "", Criterion: "\t",
		EarnedAt: MinTime, Counters: Numbers{{"b", -1 << 63}, {"a\"", 1<<63 - 1}, {"", 0}},
		Cause:   Cause{Topic: "a.b-c", Partition: 1<<31 - 1, Offset: 1<<63 - 1, ID: strings.Repeat("ü", 256), Source: "\u0000"},
		Ordinal: 1<<63 - 1, CatalogVersion: 1, UserVersion: 1<<63 - 1, Reason: ReasonManual,
	}
	bare := awardOfFirstLight()
	bare.Counters, bare.Reason = Numbers{}, ReasonRebuild
	return []BadgeEvent{plain, revoked, odd, bare}
}

func TestBadgeEventText(t *testing.T) {
	e := awardOfFirstLight()
	want := `{"specversion":"1.0","id":"` + e.ID() + `","source":"/badgestream/badgestream","type":"badgestream.badge.awarded",` +
		`"subject":"u1","time":"2026-03-01T12:00:01.000Z","datacontenttype":"application/json","data":{"badge":"first-light","tier":1,` +
		`"category":"EXPLORATION","criterion":"LOCATION_VISITS","earned_at":"2026-03-01T12:00:01.000Z","counters":{"location_visits":1},` +
		`"cause":{"topic":"activity","partition":3,"offset":17,"id":"e1","source":"/starview"},"ordinal":0,"catalog_version":2,` +
		`"user_version":5,"reason":"activity"}}`
	if got := string(e.AppendStructured([]byte("x"))); got != "x"+want {
		t.Errorf("written\n%s\nwant\n%s", got, want)
	}
}

func TestBadgeEventID(t *testing.T) {
	// printf '\0\0\0\2u1\0\0\0\13first-light\0\0\0\7awarded\0\0\0\10activity\0\0\0\0013\0\0\0\00217' | sha256sum
	e := awardOfFirstLight()
	if got, want := e.ID(), "51db876b421fb36f784f0823d46ff876"; got != want {
		t.Errorf("id %s; want %s", got, want)
	}
	changed := map[string]func(*BadgeEvent){
		"user":      func(e *BadgeEvent) { e.User = "u2" },
		"badge":     func(e *BadgeEvent) { e.Badge = "explorer" },
		"kind":      func(e *BadgeEvent) { e.Revoked = true },
		"topic":     func(e *BadgeEvent) { e.Cause.Topic = "other" },
		"partition": func(e *BadgeEvent) { e.Cause.Partition = 31 },
		"offset":    func(e *BadgeEvent) { e.Cause.Offset = 7 },
		"the cut":   func(e *BadgeEvent) { e.User, e.Badge = "u1f", "irst-light" },
	}
	for name, change := range changed {
		other := awardOfFirstLight()
		change(&other)
		if other.ID() == e.ID() {
			t.Errorf("the id does not depend on the %s", name)
		}
	}
	same := awardOfFirstLight()
	same.CatalogVersion, same.UserVersion, same.Group, same.Tier, same.Reason, same.Ordinal = 9, 9, "other", 9, ReasonRebuild, 9
	if same.ID() != e.ID() {
		t.Error("the id depends on more than the decision")
	}
	long := awardOfFirstLight()
	long.User, long.Badge, long.Cause.Topic = strings.Repeat("u", 999), strings.Repeat("b", 999), strings.Repeat("t", 999)
	if len(long.ID()) != 32 {
		t.Errorf("id %s", long.ID())
	}
}

func TestBadgeEventRoundTrip(t *testing.T) {
	for _, want := range badgeEvents() {
		var structured, binary BadgeEvent
		if err := DecodeBadgeEvent[Header](nil, want.AppendStructured(nil), &structured); err != nil {
			t.Errorf("structured: %v", err)
		}
		if err := DecodeBadgeEvent(BinaryHeaders[clientHeader](&want), want.AppendData(nil), &binary); err != nil {
			t.Errorf("binary: %v", err)
		}
		if !reflect.DeepEqual(structured, want) || !reflect.DeepEqual(binary, want) {
			t.Errorf("structured %+v\nbinary %+v\nwant %+v", structured, binary, want)
		}
	}
}

func TestDecodeBadgeEventRejects(t *testing.T) {
	e := awardOfFirstLight()
	text := string(e.AppendStructured(nil))
	for name, c := range map[string]struct {
		from, to string
		reason   Reason
		words    string
	}{
		"no CloudEvent":   {`"specversion":"1.0"`, `"a":1`, ReasonAttribute, "specversion"},
		"another type":    {`badge.awarded"`, `badge.seen"`, ReasonAttribute, "type is"},
		"another source":  {`"/badgestream/badgestream"`, `"/x"`, ReasonAttribute, "source is"},
		"no subject":      {`"subject":"u1",`, ``, ReasonAttribute, "subject is missing"},
		"no time":         {`"time":"2026-03-01T12:00:01.000Z",`, ``, ReasonAttribute, "time is missing"},
		"another id":      {e.ID(), strings.Repeat("0", 32), ReasonAttribute, "id is"},
		"another user":    {`"subject":"u1"`, `"subject":"u2"`, ReasonAttribute, "id is"},
		"no badge":        {`"badge":"first-light",`, ``, ReasonData, "lacks badge"},
		"no cause":        {`"cause":`, `"because":`, ReasonData, "lacks badge, earned_at or cause"},
		"no instant":      {`"earned_at":"2026-03-01T12:00:01.000Z",`, ``, ReasonData, "lacks"},
		"bad instant":     {`"earned_at":"2026`, `"earned_at":"x`, ReasonData, "RFC 3339"},
		"a tier of words": {`"tier":1`, `"tier":"one"`, ReasonData, "tier"},
		"half a counter":  {`"location_visits":1`, `"location_visits":1.5`, ReasonData, "location_visits"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, c.from, c.to, 1)
			if changed == text {
				t.Fatalf("%s is not in %s", c.from, text)
			}
			var e BadgeEvent
			rejected(t, DecodeBadgeEvent[Header](nil, []byte(changed), &e), c.reason, c.words)
		})
	}
	var later BadgeEvent
	if err := DecodeBadgeEvent[Header](nil, []byte(strings.Replace(text, `"tier"`, `"new":{},"tier"`, 1)), &later); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
}

// Whatever the strings are, both modes are JSON that encoding/json reads as
// the same text, on one line.
func FuzzBadgeEvent(f *testing.F) {
	f.Add("u1", "first-light", "LOCATION_VISITS", "e1", int64(1772366401_000_000), int64(1), int64(17))
	f.Add("\"\\/\b\f\n\r\t\x00\x7f", "\u2028\u2029", "\U0010ffff", "<>&'", int64(-1), int64(-1<<63), int64(0))
	f.Fuzz(func(t *testing.T, user, badge, counter, id string, at, value, offset int64) {
		if at < MinTime || at > MaxTime {
			return
		}
		e := awardOfFirstLight()
		e.User, e.Badge, e.Cause.ID, e.Cause.Offset = user, badge, id, offset
		e.Time, e.EarnedAt, e.Counters = at, at, Numbers{{counter, value}}
		text := e.AppendStructured(nil)
		if !json.Valid(text) || !utf8.Valid(text) || strings.ContainsAny(string(text), "\n\r\x00") {
			t.Fatalf("not one line of JSON: %q", text)
		}
		var read BadgeEvent
		err := DecodeBadgeEvent[Header](nil, text, &read)
		checkError(t, err)
		fit := user != "" && len(user) <= MaxIDBytes && !strings.Contains(user, "\x00")
		valid := utf8.ValidString(user + "x" + badge + "x" + counter + "x" + id)
		if valid && fit && len(text) <= MaxValueBytes && (err != nil || !reflect.DeepEqual(read, e)) {
			t.Errorf("read %+v, %v; want %+v", read, err, e)
		}
	})
}
