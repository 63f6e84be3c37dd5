package projections

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"golang.org/x/sync/errgroup"
)

func renamed(t testing.TB, cat *catalog.Catalog) *catalog.Catalog {
	t.Helper()
	return parse(t, strings.Replace(string(cat.Text), "name: Trail Fox", "name: Sly Fox", 1))
}

// TestInstallTogether starts eight processes at once on an empty database,
// half of them with other names: all come to hold one catalogue.
func TestInstallTogether(t *testing.T) {
	t.Parallel()
	url, cat := server(t), load(t, "stride")
	other := renamed(t, cat)
	var all errgroup.Group
	for i := range 8 {
		all.Go(func() error {
			s, err := Open(t.Context(), url, "Odd \"group\"; x")
			if err != nil {
				return err
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err != nil {
				return err
			}
			in, err := s.InstallCatalog(t.Context(), []*catalog.Catalog{cat, other}[i%2])
			if err != nil {
				return err
			}
			if in.Generation != 1 || in.Epoch != 1 || in.CatalogVersion < 1 || in.CatalogVersion > 8 {
				return fmt.Errorf("installed as %+v", in)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, url, "Odd \"group\"; x", other, 0)
	stored, regime, err := w.CurrentCatalog(t.Context())
	if err != nil || stored.Text != string(other.Text) || stored.Version != regime.CatalogVersion || stored.RulesHash != other.RulesHash {
		t.Errorf("version %d holds, the regime is %+v: %v", stored.Version, regime, err)
	}
	same(t, "versions", fmt.Sprintln(stored.Version, stored.Version), w.text(`SELECT count(*)::int, max(version) FROM BASE.catalog`))
	same(t, "badges", fmt.Sprintln(len(cat.Badges)), w.text(`SELECT count(*) FROM BASE.badge`))
}

// TestInstallAgain installs the same, other names, and other rules.
func TestInstallAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "again", load(t, "stride"), 1)
	if !w.in.New {
		t.Errorf("first installed as %+v", w.in)
	}
	if in, err := w.InstallCatalog(t.Context(), w.cat); err != nil || in.New || in.Regime != w.in.Regime {
		t.Errorf("the same again: %+v, %v", in, err)
	}
	if in, err := w.InstallCatalog(t.Context(), renamed(t, w.cat)); err != nil || !in.New || in.CatalogVersion != 2 {
		t.Errorf("other names: %+v, %v", in, err)
	}
	before := w.state() + w.text(`SELECT * FROM BASE.regime`) + w.text(`SELECT slug, threshold FROM BASE.badge ORDER BY slug`)
	_, err := w.InstallCatalog(t.Context(), parse(t, strings.Replace(string(w.cat.Text), "at_least: 10000}", "at_least: 12000}", 1)))
	var differ *RulesDiffer
	if !errors.As(err, &differ) || differ.Stored != 2 || len(differ.Changes) != 1 {
		t.Fatalf("other rules: %v", err)
	}
	for _, say := range []string{"first-ten", "12000", "badgestream rebuild start --catalog"} {
		if !strings.Contains(err.Error(), say) {
			t.Errorf("the error does not say %q: %v", say, err)
		}
	}
	same(t, "after other rules", before, w.state()+w.text(`SELECT * FROM BASE.regime`)+w.text(`SELECT slug, threshold FROM BASE.badge ORDER BY slug`))
}

// TestCounterNamesThatCannotBeColumns refuses them in one sentence.
func TestCounterNamesThatCannotBeColumns(t *testing.T) {
	t.Parallel()
	cat := load(t, "stride")
	for _, name := range []string{"version", "held", "xmin", "since_member_days"} {
		_, err := (&Store{group: "g"}).InstallCatalog(t.Context(), parse(t, strings.ReplaceAll(string(cat.Text), "trail_runs", name)))
		if err == nil || !strings.Contains(err.Error(), "give the counter another name") {
			t.Errorf("counter %s: %v", name, err)
		}
	}
}

// TestMigrateRefusesNewerTables says so in one sentence.
func TestMigrateRefusesNewerTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "newer", load(t, "stride"), 0)
	w.exec(`INSERT INTO BASE.schema_version (version_id, is_applied) VALUES (9999, true)`)
	if err := w.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "start a newer badgestream") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is %v", err)
	}
}

// TestOpenSaysWhatIsWrong in one sentence, with the address and without the
// password.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, group, says string }{
		{"postgres://user:secret@127.0.0.1:1/db", "g", "Postgres at 127.0.0.1:1 cannot be reached"},
		{"postgres://user:secret@127.0.0.1:port/db", "g", "the Postgres URL cannot be read"},
		{"postgres://user:secret@127.0.0.1:1/db", "", "must have 1 to 50 bytes"},
		{"postgres://user:secret@127.0.0.1:1/db", "pg_x", "choose another"},
	} {
		_, err := Open(t.Context(), c.url, c.group)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s, group %q: %v", c.url, c.group, err)
		}
	}
	s, err := Open(t.Context(), server(t), "nothing-here")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.CurrentCatalog(t.Context()); !errors.Is(err, ErrNoCatalog) {
		t.Errorf("without tables: %v", err)
	}
}

// TestLadderNeedsNoSort looks at the plan by which a ladder is listed.
func TestLadderNeedsNoSort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "ladder", load(t, "starview"), 0)
	list, err := w.Ladder(t.Context(), "EXPLORATION", "LOCATION_VISITS")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range list {
		got = append(got, fmt.Sprint(b.Slug, " ", b.Threshold))
	}
	same(t, "ladder", "first-light 1,explorer 5,pathfinder 10,stargazer 25,celestial-navigator 50,cosmic-voyager 100", strings.Join(got, ","))
	// The table is small, so that reading it whole would be cheapest now.
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(t.Context(), `EXPLAIN `+ladderSQL(w.group), "EXPLORATION", "LOCATION_VISITS")
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		fmt.Fprintln(&plan, string(rows.RawValues()[0]))
	}
	if strings.Contains(plan.String(), "Sort") || !strings.Contains(plan.String(), "badge_ladder") {
		t.Errorf("the plan is\n%s", plan.String())
	}
}

// TestUpdatesStayOnTheirPage checks that counters have no index and that
// updates of users' rows are HOT, with a catalogue that looks for who is due.
func TestUpdatesStayOnTheirPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, server(t), "hot", load(t, "stride"), 1)
	f := w.folder()
	for offset := range int64(20) {
		if _, err := f.Fold(t.Context(), w.works(0, offset, act{"stride.points.earned", "u1", `{"points":1}`, noon})); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "indexes", "users_due\nusers_pkey\n", w.text(`SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = 'GEN.users'::regclass ORDER BY 1`))
	if err := f.Close(t.Context()); err != nil { // it reports its statistics
		t.Fatal(err)
	}
	deadline := time.Now().Add(stacktest.Patience(t))
	for w.text(`SELECT n_tup_upd FROM pg_stat_user_tables WHERE relid = 'GEN.users'::regclass`) != "19\n" {
		if time.Now().After(deadline) {
			t.Fatal("the statistics never came")
		}
	}
	same(t, "HOT updates", "19\n", w.text(`SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'GEN.users'::regclass`))
}
