package schemas

import (
	"bytes"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json"
)

// snapshotText is a snapshot's JSON as it is read.
type snapshotText struct {
	Order      string       `json:"order"`
	User       string       `json:"user"`
	Epoch      int64        `json:"epoch"`
	Version    int64        `json:"version"`
	Catalog    int64        `json:"catalog"`
	Counters   Numbers      `json:"counters"`
	Since      Instants     `json:"since"`
	Earned     []Earned     `json:"earned"`
	InProgress []InProgress `json:"in_progress"`
	Pins       []string     `json:"pins"`
}

// ParseSnapshot reads a snapshot. Members that it does not know are passed
// over. The error says that the text is no snapshot, or one whose order
// contradicts its epoch and version.
func ParseSnapshot(text []byte) (*Snapshot, error) {
	var s Snapshot
	if s.parseFlat(bytes.Clone(text)) {
		return &s, nil
	}
	return parseSnapshotPlain(text)
}

// parseSnapshotPlain reads a snapshot the general way, which takes JSON in any
// form and finds the words for what is wrong.
func parseSnapshotPlain(text []byte) (*Snapshot, error) {
	var t snapshotText
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, errors.Wrapf(err, "read a snapshot of %d bytes", len(text))
	}
	s := &Snapshot{
		User: t.User, Epoch: t.Epoch, Version: t.Version, Catalog: t.Catalog, Counters: t.Counters, Since: t.Since,
		Earned: t.Earned, InProgress: t.InProgress, Pins: t.Pins,
	}
	if !s.follows(t.Order) {
		return nil, errors.Newf("read a snapshot: order %s, user %s, epoch %d and version %d do not belong together",
			quoted(t.Order), quoted(t.User), t.Epoch, t.Version)
	}
	return s, nil
}

// follows says that the snapshot has a user, and that its epoch and version are
// those of the order.
func (s *Snapshot) follows(order string) bool {
	var buf [OrderLength]byte
	return s.User != "" && s.Epoch >= 0 && s.Version >= 0 && order == string(AppendOrder(buf[:0], s.Epoch, s.Version))
}

// MarshalJSON writes the time as RFC 3339.
func (e Earned) MarshalJSON() ([]byte, error) { return e.append(nil), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Earned) UnmarshalJSON(text []byte) error {
	var t struct {
		Badge string   `json:"badge"`
		At    jsonTime `json:"earned_at"`
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return errors.Wrap(err, "read an earned badge")
	}
	*e = Earned{Badge: t.Badge, At: int64(t.At)}
	return nil
}
