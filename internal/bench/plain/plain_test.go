package plain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// event is a record in binary mode.
func event(id, kind, subject, data string) *kgo.Record {
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	return &kgo.Record{Key: []byte(subject), Value: []byte(data), Headers: []kgo.RecordHeader{
		header("ce_id", id), header("ce_type", "starview."+kind), header("ce_subject", subject), header("ce_time", "2026-03-01T12:00:00Z"),
	}}
}

// history ends with 5 visits of mira's, one of them said twice, and none of
// vega's, whose first one is sent again after she took it back; a review of
// mira's with one vote that stands; and a comment of hers on her own review,
// which does not count.
func history() []*kgo.Record {
	records := []*kgo.Record{
		event("v1", "location.visited", "vega", `{"location":"L1"}`),
		event("v2", "location.unvisited", "vega", `{"location":"L1"}`),
		event("v1", "location.visited", "vega", `{"location":"L1"}`),
		event("v3", "location.unvisited", "vega", `{"location":"L2"}`),
		event("r1", "review.created", "mira", `{"review":"R1","location":"L5","location_owner":"lyra","rating":4}`),
		event("r2", "vote.cast", "vega", `{"review":"R1","author":"mira","value":"up"}`),
		event("r3", "vote.cast", "lyra", `{"review":"R1","author":"mira","value":"up"}`),
		event("r4", "vote.cast", "lyra", `{"review":"R1","author":"mira","value":"down"}`),
		event("c1", "comment.created", "mira", `{"comment":"C1","review":"R1","review_author":"mira"}`),
		event("u1", "user.registered", "rigel", `{}`),
	}
	for i, n := range []int{1, 2, 3, 4, 4} {
		records = append(records, event(fmt.Sprint("m", i), "location.visited", "mira", fmt.Sprintf(`{"location":"L%d"}`, n)))
	}
	return records
}

func TestConsumer(t *testing.T) { testConsumer(t, stacktest.Embedded(t)) }

func TestRealConsumer(t *testing.T) { testConsumer(t, stacktest.Real(t)) }

func testConsumer(t *testing.T, stack *stacktest.Stack) {
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	cfg := Config{
		Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL,
		Group: stack.Group("g"), Topic: stack.Topic("activity"), AwardTopic: stack.Topic("badges"), Partitions: 2,
		Events: int64(len(history())), Lanes: 3, Poll: 4,
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(stack.Brokers...), kgo.DefaultProduceTopic(cfg.Topic), kgo.ConsumeTopics(cfg.AwardTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 2, 1, nil, cfg.Topic); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, history()...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	sum, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Events != cfg.Events || sum.Awarded != 3 || sum.Seconds <= 0 || len(sum.Polls) < 4 {
		t.Errorf("summary is %+v, want %d events and 3 awards", sum, cfg.Events)
	}

	counters := map[string]int64{"mira/visits": 5, "mira/reviews": 1, "mira/upvotes": 1, "vega/visits": 0}
	if got := readCounters(t, cfg); !maps.Equal(got, counters) {
		t.Errorf("counters are %v, want %v", got, counters)
	}
	given := []string{"mira explorer", "mira first-light", "vega first-light"}
	if got := readAwards(ctx, t, client, len(given)); !slices.Equal(got, given) {
		t.Errorf("awards are %q, want %q", got, given)
	}
	want := progress{User: "mira", Counters: map[string]int64{"visits": 5, "reviews": 1, "upvotes": 1}, Earned: []string{"explorer", "first-light"}}
	got := readRedis(t, cfg, "mira")
	slices.Sort(got.Earned)
	if got.User != want.User || !maps.Equal(got.Counters, want.Counters) || !slices.Equal(got.Earned, want.Earned) {
		t.Errorf("progress is %+v, want %+v", got, want)
	}
	committed, err := kadm.NewClient(client).FetchOffsets(ctx, cfg.Group)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	committed.Each(func(o kadm.OffsetResponse) { total += o.At })
	if total != cfg.Events {
		t.Errorf("%d offsets are committed, want %d", total, cfg.Events)
	}
}

func readCounters(t *testing.T, cfg Config) map[string]int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), cfg.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT user_id || '/' || counter, value FROM "+pgx.Identifier{cfg.Group, "counters"}.Sanitize())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	var name string
	var value int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { found[name] = value; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

func readAwards(ctx context.Context, t *testing.T, client *kgo.Client, n int) []string {
	t.Helper()
	var given []string
	for len(given) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d awards read: %v", len(given), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var a award
			if err := json.Unmarshal(r.Value, &a); err != nil {
				t.Fatalf("%s: %v", r.Value, err)
			}
			given = append(given, a.User+" "+a.Badge)
		})
	}
	slices.Sort(given)
	return given
}

func readRedis(t *testing.T, cfg Config, user string) (p progress) {
	t.Helper()
	options, err := redis.ParseURL(cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	value, err := client.Get(t.Context(), cfg.Group+":progress:"+user).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(value, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
