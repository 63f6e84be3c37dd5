package devstack_test

import (
	"context"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestKfakeKeepsItsData(t *testing.T) {
	t.Parallel()
	ctx := limited(t)
	dir := t.TempDir()
	first, err := devstack.StartKfake(ctx, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	createTopic(t, first.Brokers(), "kept")
	commit(t, first.Brokers(), "kept", "one")
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}

	second, err := devstack.StartKfake(ctx, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := second.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	commit(t, second.Brokers(), "kept", "two")
	expect(t, second.Brokers(), "kept", "one", "two")
}

func TestRealKafka(t *testing.T) {
	stacktest.NeedReal(t)
	ctx := limited(t)
	k, err := devstack.StartKafka(ctx, devstack.KafkaConfig{Dir: t.TempDir(), Heap: "512m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := k.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	createTopic(t, k.Brokers(), "kept")
	commit(t, k.Brokers(), "kept", "one")

	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(ctx); err != nil {
		t.Fatalf("starting after a kill: %v", err)
	}
	commit(t, k.Brokers(), "kept", "two")
	if err := k.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(ctx); err != nil {
		t.Fatalf("starting after a stop: %v", err)
	}
	expect(t, k.Brokers(), "kept", "one", "two")

	if err := k.Pause(); err != nil {
		t.Fatal(err)
	}
	client := kafkaClient(t, k.Brokers())
	defer client.Close()
	if err := client.Ping(shortly(t)); err == nil {
		t.Error("a paused broker answers")
	}
	if err := k.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(ctx); err != nil {
		t.Errorf("a resumed broker does not answer: %v", err)
	}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	for _, feature := range versions.FinalizedFeatures {
		if feature.Name == "transaction.version" && feature.MaxVersionLevel == 2 {
			return
		}
	}
	t.Errorf("transaction.version is not 2: %+v", versions.FinalizedFeatures)
}

func kafkaClient(t *testing.T, brokers []string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func createTopic(t *testing.T, brokers []string, name string) {
	t.Helper()
	client := kafkaClient(t, brokers)
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(limited(t), 1, 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

// commit writes a value in a transaction of its own.
func commit(t *testing.T, brokers []string, topic, value string) {
	t.Helper()
	ctx := limited(t)
	client := kafkaClient(t, brokers, kgo.TransactionalID("devstack-test"), kgo.DefaultProduceTopic(topic))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatalf("producing %q: %v", value, err)
	}
	if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatalf("committing %q: %v", value, err)
	}
}

// expect reads the committed values of a topic from its beginning.
func expect(t *testing.T, brokers []string, topic string, want ...string) {
	t.Helper()
	ctx := limited(t)
	client := kafkaClient(t, brokers, kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer client.Close()
	var got []string
	for len(got) < len(want) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("value %d is %q, want %q", i, got[i], want[i])
		}
	}
}
