package telemetry

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// documented is one row of the table in docs/metrics.md.
type documented struct{ kind, labels string }

func readDocs(t *testing.T) map[string]documented {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(badgestream_[a-z_]+)` \\| ([a-z]+) \\|([a-z, ]*)\\|").FindAllStringSubmatch(string(text), -1)
	docs := map[string]documented{}
	for _, row := range rows {
		docs[row[1]] = documented{row[2], strings.ReplaceAll(strings.TrimSpace(row[3]), " ", "")}
	}
	return docs
}

// exerciseAll makes every metric tell something.
func exerciseAll(t *testing.T, p *Pipeline) {
	ctx := t.Context()
	p.Folded(ctx, "activity", 0, 1, 1, 1, 1, time.Second)
	p.Awards(ctx, 1, 1)
	p.Published(ctx, time.Second)
	p.Snapshots(ctx, 1, time.Second)
	p.Batch(ctx, 1, time.Second)
	p.Retry(ctx, "deadlock")
	p.Refresh(ctx, 1, time.Second)
	p.SetLag("activity", 0, 1, 1)
	p.SawTypes(map[string]int64{"vote": 1}, map[string]time.Time{"vote": time.Now()})
	p.SawUnknown(map[string]int64{"strange": 1})
}

func TestDocsListWhatIsServed(t *testing.T) {
	tel := start(t, Config{})
	exerciseAll(t, tel.Pipeline)
	families, err := tel.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]documented{}
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "badgestream_") {
			served[name] = documented{kind(f), labels(f)}
			if f.GetHelp() == "" {
				t.Errorf("%s has no help text", name)
			}
		}
	}
	docs := readDocs(t)
	for _, name := range slices.Sorted(maps.Keys(served)) {
		// Label order means nothing; the exporter sorts.
		if docs[name].kind != served[name].kind || sorted(docs[name].labels) != served[name].labels {
			t.Errorf("%s is served as %v, and stands in docs/metrics.md as %v", name, served[name], docs[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		if _, ok := served[name]; !ok {
			t.Errorf("%s stands in docs/metrics.md, and is not served", name)
		}
	}
}

func kind(f *dto.MetricFamily) string { return strings.ToLower(f.GetType().String()) }

func labels(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, l.GetName())
	}
	return sorted(strings.Join(names, ","))
}

func sorted(list string) string {
	names := strings.Split(list, ",")
	slices.Sort(names)
	return strings.Join(names, ",")
}

func TestDiscardTellsNobodyAndStillCounts(t *testing.T) {
	tel := Discard()
	exerciseAll(t, tel.Pipeline)
	if got := tel.Pipeline.Totals().Events; got != 1 {
		t.Errorf("%d events are counted", got)
	}
	if len(scrape(t, tel)) != 0 {
		t.Error("metrics are served")
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheServiceNamesItself(t *testing.T) {
	for name, c := range map[string]struct{ env, want string }{
		"by default":       {"", "badgestream"},
		"as it is told to": {"badges-eu", "badges-eu"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_SERVICE_NAME", c.env)
			tel := start(t, Config{Version: "1.2.3"})
			families, err := tel.registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, f := range families {
				if f.GetName() == "target_info" {
					for _, l := range f.GetMetric()[0].GetLabel() {
						got[l.GetName()] = l.GetValue()
					}
				}
			}
			if got["service_name"] != c.want || got["service_version"] != "1.2.3" {
				t.Errorf("target_info is %v", got)
			}
		})
	}
}
