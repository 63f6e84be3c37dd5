package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/badgestream/badgestream/schemas"
)

// TestBadgesEndsAtTheEnd has partitions that end in every way: with the mark of
// a commit, with an aborted record and its mark, before an open transaction,
// and with nothing at all.
func TestBadgesEndsAtTheEnd(t *testing.T) {
	broker := newKafka(t, "badges")
	commit, abort := kgo.TryCommit, kgo.TryAbort
	writer := transactional(t, broker, "a")
	transact(t, writer, &commit, badgeRecord(0, "u1", 1), badgeRecord(1, "u2", 1), badgeRecord(2, "u3", 1))
	transact(t, writer, &abort, badgeRecord(1, "never", 2))
	transact(t, transactional(t, broker, "b"), nil, badgeRecord(2, "undecided", 3))

	a := cli(t.Context(), t, nil, "badges", "--brokers", broker, "--json")
	a.expect(t, 0, "")
	var users []string
	for line := range strings.Lines(a.out) {
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent[schemas.Header](nil, []byte(line), &e); err != nil {
			t.Fatal(err)
		}
		users = append(users, e.User)
	}
	if slices.Sort(users); fmt.Sprint(users) != "[u1 u2 u3]" {
		t.Errorf("badge events of %v, want of u1, u2 and u3", users)
	}
	people := cli(t.Context(), t, nil, "badges", "--brokers", broker)
	want := "2026-03-01 12:00:01  u1        awarded  Explorer (t2)               because e5 on activity/0@17 · location_visits 5\n"
	if people.expect(t, 0, ""); !strings.Contains(people.out, want) {
		t.Errorf("for people:\n%swant\n%s", people.out, want)
	}
}

func TestBadgesFollows(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{[]string{"badges", "--follow", "--json"}, []string{"new"}},
		{[]string{"badges", "--follow", "--from-beginning", "--json"}, []string{"old", "new"}},
	} {
		cluster := newCluster(t, "badges")
		broker, commit := cluster.ListenAddrs()[0], kgo.TryCommit
		writer := transactional(t, broker, "a")
		transact(t, writer, &commit, badgeRecord(0, "old", 1))
		// By its first fetch the follower knows where now is.
		fetched := make(chan struct{})
		first := sync.OnceFunc(func() { close(fetched) })
		cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			first()
			return nil, nil, false
		})
		ctx, stop := context.WithCancel(t.Context())
		out, status := make(lines, 16), make(chan int)
		go func() { status <- execute(ctx, append(tc.args, "--brokers", broker), nil, out, lines(nil)) }()
		<-fetched
		transact(t, writer, &commit, badgeRecord(0, "new", 2))
		for _, user := range tc.want {
			if line := <-out; !strings.Contains(line, `"subject":"`+user+`"`) {
				t.Errorf("%v: got %s, want the badge event of %s", tc.args, line, user)
			}
		}
		stop()
		if s := <-status; s != 0 {
			t.Errorf("%v: Ctrl-C gives status %d, want 0", tc.args, s)
		}
	}
}

// lines hands on what is written, as it is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// transactional makes a producer of badge events, whose records name their
// partition.
func transactional(t *testing.T, broker, id string) *kgo.Client {
	return newClient(t, broker, kgo.TransactionalID(id), kgo.DefaultProduceTopic("badges"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// transact writes the records in one transaction and ends it so; nil leaves it
// open.
func transact(t *testing.T, client *kgo.Client, end *kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if end == nil {
		return // it stays open
	}
	if err := client.EndTransaction(t.Context(), *end); err != nil {
		t.Fatal(err)
	}
}

func badgeRecord(partition int32, user string, version int64) *kgo.Record {
	e := schemas.BadgeEvent{Group: "badgestream", User: user, Time: 1_772_366_401_000_000, Badge: "explorer", Tier: 2, Category: "EXPLORATION",
		Criterion: "LOCATION_VISITS", EarnedAt: 1_772_366_401_000_000, Counters: schemas.Numbers{{Name: "location_visits", Value: 5}},
		Cause:          schemas.Cause{Topic: "activity", Partition: 0, Offset: 16 + version, ID: "e5", Source: "/t"},
		CatalogVersion: 1, UserVersion: version, Reason: schemas.ReasonActivity}
	r := &kgo.Record{Partition: partition, Key: []byte(e.ID()), Value: e.AppendData(nil)}
	r.Headers = schemas.BinaryHeaders[kgo.RecordHeader](&e)
	return r
}
