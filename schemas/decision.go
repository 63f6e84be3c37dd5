package schemas

import (
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/go-json-experiment/json"
)

// Verb is what a person decides about one badge of one user.
type Verb string

// The verbs. The first three settle who decides about the badge: a granted one
// is held and a revoked one is not, whatever the rules say, until another of
// them; after a release the rules decide again. The last two order what a user
// shows first.
const (
	Grant   Verb = "grant"
	Revoke  Verb = "revoke"
	Release Verb = "release"
	Pin     Verb = "pin"
	Unpin   Verb = "unpin"
)

// Verbs are all of them.
func Verbs() []Verb { return []Verb{Grant, Revoke, Release, Pin, Unpin} }

// Type is the event type of decisions with the verb. They stand on the topic
// GROUP.control; the subject is the user, the data a Decision.
func (v Verb) Type() string { return decisionPrefix + string(v) }

const decisionPrefix = "badgestream."

// VerbOf gives the verb of an event type, false for one that is no decision's.
func VerbOf(eventType string) (Verb, bool) {
	switch v := Verb(strings.TrimPrefix(eventType, decisionPrefix)); v {
	case Grant, Revoke, Release, Pin, Unpin:
		return v, len(v) < len(eventType)
	}
	return "", false
}

// MaxPins is how many pins a user has at most.
const MaxPins = 3

// MaxReasonBytes bounds the reason of a decision; who decided has MaxIDBytes.
const MaxReasonBytes = 1_000

// Decision is a person's decision about one badge of one user.
type Decision struct {
	Verb  Verb   `json:"-"`
	User  string `json:"-"`
	Badge string `json:"badge"` // slug
	By    string `json:"by"`    // who decided
	// Reason is why. Pins need none.
	Reason string `json:"reason,omitempty"`
}

// Append appends the data's JSON.
func (d *Decision) Append(dst []byte) ([]byte, error) {
	text, err := json.Marshal(d)
	return append(dst, text...), errors.Wrapf(err, "write a decision to %s", d.Verb)
}

// ParseDecision reads the event of a decision. It keeps nothing of the record.
// The error is a *Reject.
func ParseDecision(ev *Event) (Decision, error) {
	verb, _ := VerbOf(ev.Type)
	d := Decision{Verb: verb, User: strings.Clone(ev.Subject)}
	switch {
	case ev.Subject == "":
		return d, reject(ReasonAttribute, "subject is missing; %s needs the user there", ev.Type)
	case len(ev.Subject) > MaxIDBytes:
		return d, reject(ReasonTooLarge, "subject has %d bytes; %d are allowed", len(ev.Subject), MaxIDBytes)
	case ev.Base64 || !isJSON(ev.ContentType):
		return d, reject(ReasonContentType, "the data is %s; %s needs application/json", quoted(ev.ContentType), ev.Type)
	}
	if err := json.Unmarshal(ev.Data, &d); err != nil {
		return d, reject(ReasonData, "the data of %s must be an object with the strings badge, by and reason", ev.Type)
	}
	return d, d.Check()
}

// Check says whether the decision can be stored: whether all that it needs is
// there, and within its limits. The error is a *Reject.
func (d *Decision) Check() error {
	needsReason := d.Verb != Pin && d.Verb != Unpin
	for _, f := range []struct {
		name, value string
		most        int
		needed      bool
	}{{"badge", d.Badge, MaxIDBytes, true}, {"by", d.By, MaxIDBytes, true}, {"reason", d.Reason, MaxReasonBytes, needsReason}} {
		switch {
		case f.needed && f.value == "":
			return reject(ReasonData, "data.%s is missing or empty; a decision to %s needs it", f.name, d.Verb)
		case len(f.value) > f.most:
			return reject(ReasonTooLarge, "data.%s has %d bytes; %d are allowed", f.name, len(f.value), f.most)
		case strings.IndexByte(f.value, 0) >= 0:
			return reject(ReasonData, "data.%s holds the character U+0000: %s", f.name, quoted(f.value))
		}
	}
	return nil
}

// UnknownBadge is the reject of a decision about a badge that the catalogue
// does not have.
func (d *Decision) UnknownBadge() error {
	return reject(ReasonData, "data.badge is %s, and the catalogue has no such badge", quoted(d.Badge))
}

// OfSystemAccount is the reject of a decision about a system account.
func (d *Decision) OfSystemAccount() error {
	return reject(ReasonAttribute, "subject is the system account %s, which holds no badges", quoted(d.User))
}
