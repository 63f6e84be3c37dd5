package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/schemas"
)

// newKafka starts a broker with the topics, of four partitions each.
func newKafka(t *testing.T, topics ...string) string {
	t.Helper()
	return newCluster(t, topics...).ListenAddrs()[0]
}

func newCluster(t *testing.T, topics ...string) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func newClient(t *testing.T, broker string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(broker)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// readTopic reads n records, by partition and offset.
func readTopic(t *testing.T, broker, topic string, n int) []*kgo.Record {
	t.Helper()
	client := newClient(t, broker, kgo.ConsumeTopics(topic))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d records read: %v", len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if int(total) != n {
		t.Fatalf("topic %s has %d records, want %d", topic, total, n)
	}
	return records
}

func visitOf(user, location string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%s","source":"/t","type":"starview.location.visited","subject":"%s","time":"2026-03-01T12:00:01Z","shard":7,"data":{"location":"%s"}}`,
		user, location, user, location)
}

// kafkaPartition is where Kafka's Java producer puts a key among four
// partitions: toPositive(murmur2(key)) % 4, with the hashes that
// org.apache.kafka.common.utils.UtilsTest expects.
var kafkaPartition = map[string]int32{
	"21":                       0, // murmur2 -973932308
	"foobar":                   2, // murmur2 -790332482
	"a-little-bit-long-string": 0, // murmur2 -985981536
	"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": 1, // murmur2 -58897971
}

func TestProduceKeepsOrderAndPartitions(t *testing.T) {
	broker := newKafka(t, "activity")
	var lines []string
	for i := range 50 {
		for user := range kafkaPartition {
			lines = append(lines, visitOf(user, fmt.Sprintf("L%03d", i)))
		}
	}
	a := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--file", writeFile(t, lines...))
	a.expect(t, 0, "200 events delivered to activity")
	next := map[string]int{}
	for _, r := range readTopic(t, broker, "activity", 200) {
		key := string(r.Key)
		if want, ok := kafkaPartition[key]; !ok || r.Partition != want {
			t.Fatalf("key %q is in partition %d, want %d", key, r.Partition, want)
		}
		if want := visitOf(key, fmt.Sprintf("L%03d", next[key])); string(r.Value) != want {
			t.Fatalf("the next of %s is %s, want %s", key, r.Value, want)
		}
		if len(r.Headers) != 1 || r.Headers[0].Key != "content-type" || string(r.Headers[0].Value) != "application/cloudevents+json" {
			t.Fatalf("headers are %v", r.Headers)
		}
		next[key]++
	}
}

func TestProduceReportsWhatItDoesNotSend(t *testing.T) {
	broker := newKafka(t, "activity")
	wrongField := strings.Replace(visitOf("u1", "L2"), `"location":"L2"`, `"location":2`, 1)
	file := writeFile(t, visitOf("u1", "L1"), "no JSON", wrongField, "", foreign, timeless)
	a := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--file", file)
	a.expect(t, 0, "3 events delivered to activity")
	for _, want := range []string{"line 2: malformed: ", "line 3: data: data.location is the number 2", "line 4: malformed: ", "up to line 6; 3 lines not sent"} {
		a.expect(t, 0, want)
	}
	readTopic(t, broker, "activity", 3)
	cli(t.Context(), t, nil, "produce", "--brokers", broker, "--file", file, "--strict").expect(t, exitFailure, "3 lines were not sent")
}

func TestProduceRawSendsEverything(t *testing.T) {
	broker := newKafka(t, "activity")
	large := `{"subject":"u3","pad":"` + strings.Repeat("x", 600<<10) + `"}`
	lines := []string{visitOf("u1", "L1"), `{"subject":"u1","type":`, "no JSON", "", `{"Subject":"u1"}`, `{"subject":7}`, large}
	keys := map[string]string{lines[0]: "u1", lines[1]: "u1", lines[2]: "", lines[3]: "", lines[4]: "", lines[5]: "", large: "u3"}
	a := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--raw", "--file", writeFile(t, lines...))
	a.expect(t, 0, "7 events delivered to activity")
	for _, r := range readTopic(t, broker, "activity", 7) {
		want, ok := keys[string(r.Value)]
		if !ok || string(r.Key) != want {
			t.Errorf("record %.60q has key %q, want %q", r.Value, r.Key, want)
		}
		delete(keys, string(r.Value))
	}
}

func TestProduceHonoursTheTopicsLimit(t *testing.T) {
	broker := newKafka(t, "activity")
	file := writeFile(t, `{"pad":"`+strings.Repeat("x", 2<<20)+`"}`, visitOf("u1", "L1"))
	a := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--raw", "--file", file)
	a.expect(t, 0, "line 1: too-large: ")
	a.expect(t, 0, "1 events delivered to activity")

	size := "4194304"
	adm := kadm.NewClient(newClient(t, broker))
	if _, err := adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &size}, "roomy"); err != nil {
		t.Fatal(err)
	}
	b := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--raw", "--file", file, "--activity-topic", "roomy")
	b.expect(t, 0, "2 events delivered to roomy")
}

func TestProduceBinary(t *testing.T) {
	broker := newKafka(t, "activity")
	a := cli(t.Context(), t, nil, "produce", "--brokers", broker, "--binary", "--file", writeFile(t, visitOf("u1", "L1")))
	a.expect(t, 0, "1 events delivered to activity")
	r := readTopic(t, broker, "activity", 1)[0]
	got := map[string]string{}
	for _, h := range r.Headers {
		got[h.Key] = string(h.Value)
	}
	want := map[string]string{"ce_specversion": "1.0", "ce_id": "u1-L1", "ce_source": "/t", "ce_type": "starview.location.visited",
		"ce_subject": "u1", "ce_time": "2026-03-01T12:00:01Z", "ce_shard": "7", "content-type": "application/json"}
	if fmt.Sprint(got) != fmt.Sprint(want) || string(r.Key) != "u1" || string(r.Value) != `{"location":"L1"}` {
		t.Errorf("record %q %q with headers %v, want %v", r.Key, r.Value, got, want)
	}
}

// TestProduceDeliversWhatItAcceptedBeforeCtrlC interrupts a slow run in the
// middle, once some of it has arrived.
func TestProduceDeliversWhatItAcceptedBeforeCtrlC(t *testing.T) {
	broker := newKafka(t, "activity")
	ctx, interrupt := context.WithCancel(t.Context())
	var lines []string
	for i := range 10_000 {
		lines = append(lines, visitOf("u1", fmt.Sprintf("L%d", i)))
	}
	done := make(chan answer)
	file := writeFile(t, lines...)
	go func() { done <- cli(ctx, t, nil, "produce", "--brokers", broker, "--file", file, "--rate", "500") }()
	arrivals := newClient(t, broker, kgo.ConsumeTopics("activity"))
	if fetches := arrivals.PollFetches(t.Context()); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	interrupt()
	a := <-done
	a.expect(t, exitInterrupted, "all events up to it are delivered")
	var delivered, last, notSent int
	if _, err := fmt.Sscanf(a.errOut[:strings.Index(a.errOut, " in ")], "%d events delivered to activity", &delivered); err != nil {
		t.Fatalf("%v in %s", err, a.errOut)
	}
	if _, err := fmt.Sscanf(a.errOut[strings.Index(a.errOut, "up to line"):], "up to line %d; %d", &last, &notSent); err != nil {
		t.Fatalf("%v in %s", err, a.errOut)
	}
	if delivered == 0 || delivered != last || delivered == len(lines) {
		t.Errorf("%d delivered, up to line %d of %d", delivered, last, len(lines))
	}
	readTopic(t, broker, "activity", delivered)
}

func TestMissingTopicsAreOneSentence(t *testing.T) {
	broker := newKafka(t)
	for _, args := range [][]string{{"produce", "--file", writeFile(t, visit)}, {"load"}, {"badges"}} {
		a := cli(t.Context(), t, nil, append(args, "--brokers", broker)...)
		a.expect(t, exitFailure, "is missing: run `badgestream init`, or create it")
		if strings.Count(a.errOut, "\n") != 1 {
			t.Errorf("%v: not one sentence: %s", args, a.errOut)
		}
	}
}

// TestLoadIsTheSameEverywhere compares what goes to Kafka in binary mode with
// what goes to a file in structured mode.
func TestLoadIsTheSameEverywhere(t *testing.T) {
	broker := newKafka(t, "activity")
	flags := []string{"load", "--events", "2000", "--users", "50", "--seed", "7"}
	cli(t.Context(), t, nil, append(flags, "--brokers", broker)...).expect(t, 0, "2000 events to topic activity")
	file := cli(t.Context(), t, nil, append(flags, "--out", "-")...)
	file.expect(t, 0, "2000 events to standard output")
	if again := cli(t.Context(), t, nil, append(flags, "--out", "-")...); again.out != file.out {
		t.Error("the same seed gave another history")
	}
	want := map[string][]string{} // by subject, in order
	for line := range strings.Lines(file.out) {
		var ev schemas.Event
		if err := schemas.DecodeStructured([]byte(line), &ev); err != nil {
			t.Fatal(err)
		}
		want[ev.Subject] = append(want[ev.Subject], describe(&ev))
	}
	got := map[string][]string{}
	for _, r := range readTopic(t, broker, "activity", 2000) {
		var ev schemas.Event
		if err := schemas.Decode(r.Headers, r.Value, &ev); err != nil {
			t.Fatal(err)
		}
		got[string(r.Key)] = append(got[string(r.Key)], describe(&ev))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("the topic holds other events than the file, or in another order")
	}
}

func describe(ev *schemas.Event) string {
	return fmt.Sprint(ev.ID, ev.Source, ev.Type, ev.Subject, ev.Time, ev.HasTime, string(ev.Data))
}
