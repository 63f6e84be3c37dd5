package awards

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections"
	"github.com/badgestream/badgestream/schemas"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// TestRecoveredBytesAreTheSame folds awards and revocations of hostile names,
// and compares the events made at once with those made of the history, after
// another version of the catalogue has taken over.
func TestRecoveredBytesAreTheSame(t *testing.T) {
	ctx := t.Context()
	shipped, err := catalog.Load("stride")
	if err != nil {
		t.Fatal(err)
	}
	// Postgres's jsonb would put the shorter name first.
	cat, err := catalog.Parse("stride.yaml", []byte(strings.ReplaceAll(string(shipped.Text), "sessions_done", "sessions_completed")))
	if err != nil {
		t.Fatal(err)
	}
	store, err := projections.Open(ctx, stacktest.Embedded(t).PostgresURL, "club")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	in, err := store.InstallCatalog(ctx, cat)
	if err != nil {
		t.Fatal(err)
	}
	p := projections.TopicPartition{Topic: "activity", Partition: 3}
	if _, _, err := store.Seed(ctx, []projections.Standing{{TopicPartition: p}}); err != nil {
		t.Fatal(err)
	}
	batch, window := processor.New(cat), processor.NewWindow(100)
	offset := int64(0)
	for _, user := range []string{"u1", "\u2028\"\\/<é\U0001F600", " "} {
		for n, session := range []string{"planned", "done", "done", "done", "missed"} {
			ev := schemas.Event{ID: fmt.Sprint(user, offset), Source: "/\t\x7f" + user, Type: "stride.session.changed", Subject: user,
				Time: 1_770_000_000_123_456 + offset, HasTime: true, Data: fmt.Appendf(nil, `{"session":"s%d","state":%q}`, n, session)}
			src := processor.Source{Topic: p.Topic, Partition: p.Partition, Offset: offset, ID: ev.ID, Origin: ev.Source, Time: ev.Time}
			if _, err := batch.Add(&ev, src, window); err != nil {
				t.Fatal(err)
			}
			offset++
		}
	}
	folder := store.NewFolder(in, cat, "test")
	defer folder.Close(ctx)
	out, err := folder.Fold(ctx, &projections.Work{Batch: batch, Reason: schemas.ReasonActivity,
		Ranges: []projections.Range{{TopicPartition: p, To: projections.Position{Offset: offset}}}})
	if err != nil {
		t.Fatal(err)
	}
	var live, recovered []string
	for i := range out.History {
		e := Event("club", &out.History[i])
		live = append(live, string(e.AppendStructured(nil)))
	}
	other, err := catalog.Parse("stride.yaml", []byte(strings.ReplaceAll(string(cat.Text), "category: TRAINING", "category: DRILL")))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := store.InstallCatalog(ctx, other); err != nil || now.CatalogVersion != 2 {
		t.Fatalf("installed as %+v: %v", now, err)
	}
	err = store.HistoryRange(ctx, p, projections.Mark{}, projections.Mark{Offset: offset}, func(row *projections.HistoryRow) error {
		e := Event("club", row)
		recovered = append(recovered, string(e.AppendStructured(nil)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(live) != 6 || strings.Join(live, "\n") != strings.Join(recovered, "\n") {
		t.Errorf("%d events made at once:\n%s\n%d events made of the history:\n%s", len(live), strings.Join(live, "\n"), len(recovered), strings.Join(recovered, "\n"))
	}
	for i := range live {
		var e schemas.BadgeEvent
		if err := schemas.DecodeBadgeEvent([]schemas.Header(nil), []byte(live[i]), &e); err != nil {
			t.Errorf("%s: %v", live[i], err)
		}
		if e.Tier != 1 || e.Category != "TRAINING" || e.Criterion != "KEPT_PLANS" || len(e.Counters) != 2 || e.Reason != schemas.ReasonActivity || e.CatalogVersion != 1 {
			t.Errorf("the event says %+v", e)
		}
	}
}
