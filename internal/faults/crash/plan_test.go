package crash

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/faults/wire"
)

func names(cases []Case) (all []string) {
	for _, c := range cases {
		all = append(all, c.String())
	}
	return all
}

// TestPlan counts what is promised: every place with every fault that fits, and
// every ordered pair of kills.
func TestPlan(t *testing.T) {
	places := len(sides(messages()))
	for _, tt := range []struct {
		name  string
		cases []Case
		want  int
	}{
		{"singles", Singles(1), places*5 + 11*2},
		{"cheap", Cheap(1), places + 3*6},
		{"pairs of kills", KillPairs(1), places*places + 10*2*2},
		{"settlings", Settlings(1), 3 * 2 * 3},
		{"sample", OtherPairs(1, 100), 100},
	} {
		all := names(tt.cases)
		if len(all) != tt.want {
			t.Errorf("%s: %d cases, want %d", tt.name, len(all), tt.want)
		}
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
			t.Errorf("%s: %d cases are there twice", tt.name, len(all)-len(once))
		}
	}
}

// TestIssuePoints wants the points that must be among them.
func TestIssuePoints(t *testing.T) {
	all := strings.Join(names(Singles(1)), "\n")
	for _, m := range []string{"Postgres before COMMIT", "Postgres after COMMIT", "Redis before EXEC", "Redis after EXEC",
		"Kafka before Produce", "Kafka after Produce", "Kafka before TxnOffsetCommit", "Kafka after TxnOffsetCommit", "Kafka before EndTxn", "Kafka after EndTxn",
		"Kafka before JoinGroup", "Kafka after SyncGroup", "Kafka before Heartbeat", "Kafka after Heartbeat"} {
		for _, kind := range []string{"kill ", "cut ", "hang ", "delay "} {
			if !strings.Contains(all, kind+m) {
				t.Errorf("no case for %s%s", kind, m)
			}
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	if !slices.Equal(names(OtherPairs(7, 50)), names(OtherPairs(7, 50))) {
		t.Error("one seed gave two samples")
	}
	if slices.Equal(names(OtherPairs(7, 50)), names(OtherPairs(8, 50))) {
		t.Error("two seeds gave one sample")
	}
	a, err := stream("t", 3, 500)
	if err != nil {
		t.Fatal(err)
	}
	b, err := stream("t", 3, 500)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if string(a[i].Value) != string(b[i].Value) {
			t.Fatalf("event %d differs: %s and %s", i, a[i].Value, b[i].Value)
		}
	}
}

// TestMomentThatNeverComes fails a case whose fault did not happen.
func TestMomentThatNeverComes(t *testing.T) {
	proxy, err := wire.Listen(t.Context(), wire.Redis, "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	armed := proxy.Arm(wire.Point{Message: "FLUSHALL"}, wire.Cut())
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := new(run).meet(ctx, Step{Place: Place{Server: wire.Redis, Point: armed.Point, batch: true}}, armed); err == nil || !strings.Contains(err.Error(), "never came") {
		t.Errorf("a moment that never came: %v", err)
	}
}
