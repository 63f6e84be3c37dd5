package schemas

import (
	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json"
)

// SwitchType is the event type by which an operator makes another generation the
// live one. It stands on the topic GROUP.control, has no subject, and its data
// is a Switch.
const SwitchType = "badgestream.switch"

// Switch asks for a generation to be the live one.
type Switch struct {
	Generation int32 `json:"generation"`
	// Revoke says that badges which the generation does not give are revoked;
	// else whoever holds them keeps them.
	Revoke bool `json:"revoke"`
}

// ParseSwitch reads the data of a switch. The error is a *Reject.
func ParseSwitch(data []byte) (Switch, error) {
	var s Switch
	if err := json.Unmarshal(data, &s); err != nil {
		return Switch{}, &Reject{Reason: ReasonData, Detail: "data of a switch must be an object with generation and revoke"}
	}
	if s.Generation < 1 {
		return Switch{}, &Reject{Reason: ReasonData, Detail: "data.generation of a switch must be 1 or more"}
	}
	return s, nil
}

// Append appends the data's JSON.
func (s *Switch) Append(dst []byte) ([]byte, error) {
	text, err := json.Marshal(s)
	return append(dst, text...), errors.Wrap(err, "write a switch")
}
