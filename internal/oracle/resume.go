package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/checks"
)

// state is what the state file remembers: each pass looks at its own cut, so
// that an audit which goes on later is as good as one that was never stopped.
type state struct {
	Topics  [3]string `json:"topics"`
	Tables  string    `json:"tables"` // a hash of the group's secret: other tables are another audit
	Settled bool      `json:"settled"`
	Done    int       `json:"done"` // passes
	Report  *Report   `json:"report"`
}

// begin makes the report, or takes up the one that was begun, with how many
// passes are done.
func (a *auditor) begin(passes int) (*Report, int, error) {
	fresh := newReport(a.cfg.Group, passes, a.cfg.Shown, checkNames())
	if !a.cfg.Resume {
		return fresh, 0, nil
	}
	text, err := os.ReadFile(a.cfg.State)
	if errors.Is(err, os.ErrNotExist) {
		return fresh, 0, nil
	}
	if err != nil {
		return nil, 0, errors.Wrap(err, "read the state of the audit")
	}
	s, ok := readState(text)
	if !ok {
		return nil, 0, errors.Newf("read the state of the audit: %s is none of this version; remove it to begin anew", a.cfg.State)
	}
	if s.Report.Group != a.cfg.Group || s.Topics != a.topics() || s.Tables != a.tables() || s.Settled != a.cfg.Settled ||
		a.cfg.Passes > 0 && s.Report.Passes != a.cfg.Passes {
		return nil, 0, errors.Newf("%s remembers another audit: of another group, other topics or tables, or in other passes; remove it to begin anew", a.cfg.State)
	}
	s.Report.Shown = a.cfg.Shown
	return s.Report, s.Done, nil
}

// readState reads a state file. It takes none that this version did not write:
// one with other checks, say.
func readState(text []byte) (s state, ok bool) {
	if json.Unmarshal(text, &s) != nil || s.Report == nil || s.Report.Passes < 1 || s.Done < 0 || s.Done > s.Report.Passes {
		return s, false
	}
	return s, slices.EqualFunc(s.Report.Checks, checkNames(), func(c checks.Check, name string) bool {
		return c.Name == name && c.Looked >= 0 && c.Failed >= int64(len(c.Findings))
	})
}

func (a *auditor) topics() [3]string {
	return [3]string{a.cfg.ActivityTopic, a.cfg.AwardTopic, a.cfg.DeadLetterTopic}
}

func (a *auditor) tables() string {
	sum := sha256.Sum256(a.stored.secret[:])
	return hex.EncodeToString(sum[:])
}

// remember writes down that passes are done, whole or not at all.
func (a *auditor) remember(done int) error {
	if a.cfg.State == "" {
		return nil
	}
	text, err := json.Marshal(state{Topics: a.topics(), Tables: a.tables(), Settled: a.cfg.Settled, Done: done, Report: a.report})
	if err != nil {
		return errors.Wrap(err, "write the state of the audit")
	}
	f, err := os.CreateTemp(filepath.Dir(a.cfg.State), filepath.Base(a.cfg.State)+".*")
	if err != nil {
		return errors.Wrap(err, "write the state of the audit")
	}
	_, err = f.Write(text)
	if err = errors.CombineErrors(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), a.cfg.State)
	}
	if err != nil {
		err = errors.CombineErrors(err, os.Remove(f.Name()))
	}
	return errors.Wrap(err, "write the state of the audit")
}
