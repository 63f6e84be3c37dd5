package pipeline_test

import (
	"bufio"
	"bytes"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childConfig) != "" {
		os.Exit(runChild())
	}
	os.Exit(stacktest.Main(m))
}

// community is one group on the test's servers, to which harm is done.
type community struct{ *grouptest.Group }

// found makes a community and its topics, the activity topic with these settings.
func found(t *testing.T, stack *stacktest.Stack, cat *catalog.Catalog, partitions int, settings ...map[string]*string) *community {
	t.Helper()
	return &community{grouptest.New(t, stack, cat, partitions, settings...)}
}

// stricter is Starview with one place more asked for a badge: who has just five
// has explorer by the shipped rules alone.
func (c *community) stricter() *catalog.Catalog {
	c.T.Helper()
	return grouptest.Altered(c.T, c.Catalog.Text, "tier: 2\n        at_least: 5", "tier: 2\n        at_least: 6")
}

// lines makes a structured-mode record of each line, as `produce --raw` does.
func lines(text []byte) []*kgo.Record {
	var records []*kgo.Record
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		records = append(records, &kgo.Record{Value: bytes.Clone(in.Bytes()),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}})
	}
	return records
}
