package bench

import (
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestBeside(t *testing.T)     { t.Parallel(); testBeside(t, stacktest.Embedded(t)) }
func TestRealBeside(t *testing.T) { t.Parallel(); testBeside(t, stacktest.Real(t)) }

// testBeside wants probes to be watched with and without a rebuild that has
// folded something meanwhile.
func testBeside(t *testing.T, stack *stacktest.Stack) {
	b, r := on(t, stack), &Result{}
	plan := latencyPlan{rates: []int{200}, warm: time.Second, counted: 4 * time.Second, probes: 50, patience: stacktest.Patience(t)}
	if err := b.beside(t.Context(), r, plan); err != nil {
		t.Fatal(err)
	}
	found := named(t, r, "beside", 5)
	for _, what := range []string{"badge event", "snapshot"} {
		for _, q := range []string{"p50", "p99"} {
			if f := found[what+", "+q+" at 200/s"]; f.Value <= 0 || f.Base == nil || *f.Base <= 0 || !f.Lower {
				t.Errorf("%s of %s: %+v", q, what, f)
			}
		}
	}
	if f := found["the rebuild at 200/s"]; f.Value <= 0 {
		t.Errorf("nothing was rebuilt meanwhile: %+v", f)
	}
	nothingLeft(t, b)
}
