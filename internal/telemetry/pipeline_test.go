package telemetry

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func start(t *testing.T, cfg Config) *Telemetry {
	t.Helper()
	tel, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tel
}

// scrape reads /metrics: series with their labels, to their values.
func scrape(t *testing.T, tel *Telemetry) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	series := map[string]string{}
	lines := bufio.NewScanner(w.Body)
	for lines.Scan() {
		if line := lines.Text(); strings.HasPrefix(line, "badgestream_") {
			at := strings.LastIndexByte(line, ' ')
			series[line[:at]] = line[at+1:]
		}
	}
	return series
}

// advance moves synctest's clock: exact, and no wait.
func advance(d time.Duration) { <-time.After(d) }

func expect(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestCountsReachPrometheusAndTotals(t *testing.T) {
	tel := start(t, Config{})
	p, ctx := tel.Pipeline, t.Context()
	p.Folded(ctx, "activity", 0, 100, 7, 2, 3, 20*time.Millisecond)
	p.Folded(ctx, "activity", 0, 10, 1, 0, 0, 30*time.Millisecond)
	p.Folded(ctx, "activity", 1, 5, 0, 0, 1, 0)
	p.Awards(ctx, 9, 4)
	p.Awards(ctx, 1, 0)
	p.Snapshots(ctx, 60, time.Millisecond)
	p.Published(ctx, 2*time.Millisecond)
	p.Batch(ctx, 115, 60*time.Millisecond)
	p.Retry(ctx, "deadlock")
	p.Retry(ctx, "deadlock")
	p.Refresh(ctx, 1000, 2*time.Second)

	expect(t, scrape(t, tel), map[string]string{
		`badgestream_events_total{partition="0",topic="activity"}`:     "110",
		`badgestream_events_total{partition="1",topic="activity"}`:     "5",
		`badgestream_duplicates_total{partition="0",topic="activity"}`: "8",
		`badgestream_rejected_total{partition="0",topic="activity"}`:   "3",
		`badgestream_rejected_total{partition="1",topic="activity"}`:   "1",
		`badgestream_badges_awarded_total`:                             "10",
		`badgestream_badges_revoked_total`:                             "4",
		`badgestream_snapshots_total`:                                  "60",
		`badgestream_snapshots_refreshed_total`:                        "1000",
		`badgestream_retries_total{reason="deadlock"}`:                 "2",
		`badgestream_fold_seconds_count`:                               "2",
		`badgestream_fold_seconds_sum`:                                 "0.05",
		`badgestream_snapshots_write_seconds_sum`:                      "0.001",
		`badgestream_publish_seconds_sum`:                              "0.002",
		`badgestream_batch_seconds_sum`:                                "0.06",
		`badgestream_batch_size_sum`:                                   "115",
		`badgestream_refresh_seconds_sum`:                              "2",
	})
	want := Totals{
		Events: 115, Duplicates: 8, Unknown: 2, Rejected: 4, Awarded: 10, Revoked: 4,
		Batches: 1, Snapshots: 60, Refreshed: 1000,
	}
	if got := p.Totals(); got != want {
		t.Errorf("totals are %+v, want %+v", got, want)
	}
}

func TestLagGrowsWhileRecordsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := start(t, Config{})
		p := tel.Pipeline
		p.SetLag("activity", 1, 40, 2.5)
		p.SetLag("activity", 0, 0, 0)
		p.SetLag("activity", 2, 9, 1)
		p.DropLag("activity", 2)
		advance(10 * time.Second)

		got := scrape(t, tel)
		expect(t, got, map[string]string{
			`badgestream_lag_offsets{partition="1",topic="activity"}`:     "40",
			`badgestream_lag_seconds{partition="1",topic="activity"}`:     "12.5",
			`badgestream_lag_seconds{partition="0",topic="activity"}`:     "0",
			`badgestream_lag_age_seconds{partition="0",topic="activity"}`: "10",
		})
		for name := range maps.Keys(got) {
			if strings.HasPrefix(name, "badgestream_lag") && strings.Contains(name, `partition="2"`) {
				t.Errorf("%s is told although the partition was given up", name)
			}
		}
		lags := p.Lags()
		if len(lags) != 2 || lags[0].Partition != 0 || lags[1].Partition != 1 || lags[1].Seconds != 12.5 {
			t.Errorf("lags are %+v", lags)
		}
	})
}

func TestSilenceIsTheNewestRecordsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := start(t, Config{})
		p, now := tel.Pipeline, time.Now()
		p.SawTypes(map[string]int64{"vote": 5}, map[string]time.Time{"vote": now.Add(-time.Minute)})
		// An older record of a partition that lags, and a clock that is a year ahead.
		p.SawTypes(map[string]int64{"vote": 1}, map[string]time.Time{"vote": now.Add(-time.Hour), "photo": now.AddDate(1, 0, 0)})
		advance(30 * time.Second)

		got := scrape(t, tel)
		expect(t, got, map[string]string{
			`badgestream_type_events_total{type="vote"}`:      "6",
			`badgestream_type_silence_seconds{type="vote"}`:   "90",
			`badgestream_type_silence_seconds{type="photo"}`:  "30",
			`badgestream_type_silence_seconds{type="follow"}`: "",
		})
		if d, seen := p.SilentFor("vote"); !seen || d != 90*time.Second {
			t.Errorf("vote is silent for %v, %v", d, seen)
		}
		if _, seen := p.SilentFor("follow"); seen {
			t.Error("follow was never seen, and is said to be silent")
		}
	})
}

func TestUnknownTypesAreBounded(t *testing.T) {
	tel := start(t, Config{})
	for i := range 80 {
		tel.Pipeline.SawUnknown(map[string]int64{fmt.Sprintf("type-%02d", i): 2})
	}
	tel.Pipeline.SawUnknown(map[string]int64{"type-00": 1, "type-79": 1, "not UTF-8: \xff": 1})
	got := scrape(t, tel)
	expect(t, got, map[string]string{
		`badgestream_type_unknown_total{type="type-00"}`: "3",
		`badgestream_type_unknown_total{type="type-49"}`: "2",
		`badgestream_type_unknown_total{type="other"}`:   "62",
	})
	n := 0
	for name := range maps.Keys(got) {
		if strings.HasPrefix(name, "badgestream_type_unknown_total") {
			n++
		}
	}
	if n != 51 {
		t.Errorf("%d unknown types are told, want 50 and other", n)
	}
}

func TestAnInvalidTypeNameDoesNotBreakTheScrape(t *testing.T) {
	tel := start(t, Config{})
	tel.Pipeline.SawUnknown(map[string]int64{"\xff\xfe": 1})
	expect(t, scrape(t, tel), map[string]string{"badgestream_type_unknown_total{type=\"\uFFFD\"}": "1"})
}

func TestABatchAllocatesNothing(t *testing.T) {
	tel := start(t, Config{})
	p, ctx := tel.Pipeline, t.Context()
	counts := map[string]int64{"vote": 3}
	newest := map[string]time.Time{"vote": time.Now()}
	allocs := testing.AllocsPerRun(200, func() {
		p.Folded(ctx, "activity", 1, 10, 1, 1, 1, time.Millisecond)
		p.Awards(ctx, 1, 1)
		p.Snapshots(ctx, 3, time.Millisecond)
		p.Published(ctx, time.Millisecond)
		p.Batch(ctx, 10, time.Millisecond)
		p.Retry(ctx, "deadlock")
		p.SetLag("activity", 1, 5, 1)
		p.SawTypes(counts, newest)
		p.SawUnknown(counts)
	})
	if allocs != 0 {
		t.Errorf("telling of a batch allocates %v times", allocs)
	}
}
