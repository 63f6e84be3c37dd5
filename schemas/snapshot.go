package schemas

import "strconv"

// A snapshot begins with its order, at a fixed place, so that a script in
// Redis compares two snapshots of one user without parsing them: of the
// OrderLength bytes from OrderOffset on, the greater string is the later
// snapshot. The order is the epoch with 10 digits, a dot, and the version
// with 20.
const (
	OrderOffset = len(orderLead)
	OrderLength = epochDigits + len(".") + versionDigits

	orderLead     = `{"order":"`
	epochDigits   = 10
	versionDigits = 20
)

// ErasedEpoch is that of the empty snapshot which stands, for a day, in the place
// of a user's who was erased: above every epoch that is drawn.
const ErasedEpoch = 9_999_999_999

// IsErased reports whether a snapshot's JSON is such an empty one: the user is
// nobody's.
func IsErased(snapshot []byte) bool {
	if len(snapshot) < OrderOffset+epochDigits {
		return false
	}
	return string(snapshot[OrderOffset:OrderOffset+epochDigits]) == strconv.Itoa(ErasedEpoch)
}

// Snapshot is a user's progress as Redis holds it: small, and no larger for a
// large catalogue. What is zero or locked is left out; Progress fills it in
// from the CatalogView. snapshot.schema.json is its JSON.
type Snapshot struct {
	User string
	// Epoch rises with each switch of generations and each restore, Version
	// with each event that had an effect on the user. Neither is negative, and
	// Epoch is below 10^10.
	Epoch, Version int64
	Catalog        int64 // the catalogue's version
	// Counters are the plain counters, in the catalogue's order; zeros may be
	// among them and are not written.
	Counters Numbers
	// Since are the ages that have begun, with the instant at which they did.
	Since      Instants
	Earned     []Earned     // in display order
	InProgress []InProgress // in display order; without what depends on an age
	Pins       []string     // slugs of earned badges, as the user ordered them
}

// Earned is a badge that a user holds.
type Earned struct {
	Badge string
	At    int64 // when it was earned, in Unix microseconds
}

// InProgress is the next badge of its group, and how far the user is.
type InProgress struct {
	Badge     string `json:"badge"`
	Value     int64  `json:"value"`
	Threshold int64  `json:"threshold"`
	Percent   int64  `json:"percent"` // floor(100·Value/Threshold)
}

// AppendOrder appends the order of a snapshot: what a Redis script compares.
func AppendOrder(dst []byte, epoch, version int64) []byte {
	dst = append(appendPadded(dst, epoch, epochDigits), '.')
	return appendPadded(dst, version, versionDigits)
}

// Append appends the snapshot's JSON.
func (s *Snapshot) Append(dst []byte) []byte {
	dst = AppendOrder(append(dst, orderLead...), s.Epoch, s.Version)
	dst = appendMember(dst, `","user":`, s.User)
	dst = appendIntMember(dst, `,"epoch":`, s.Epoch)
	dst = appendIntMember(dst, `,"version":`, s.Version)
	dst = appendIntMember(dst, `,"catalog":`, s.Catalog)
	dst = append(dst, `,"counters":`...)
	sep := byte('{')
	for i := range s.Counters {
		if s.Counters[i].Value != 0 {
			dst = appendText(append(dst, sep), s.Counters[i].Name)
			dst = appendIntMember(dst, ":", s.Counters[i].Value)
			sep = ','
		}
	}
	dst = closeObject(dst, sep)
	dst = s.Since.Append(append(dst, `,"since":`...))
	dst = append(dst, `,"earned":[`...)
	for i := range s.Earned {
		dst = s.Earned[i].append(appendComma(dst, i))
	}
	dst = append(dst, `],"in_progress":[`...)
	for i := range s.InProgress {
		dst = s.InProgress[i].append(appendComma(dst, i))
	}
	dst = append(dst, `],"pins":[`...)
	for i := range s.Pins {
		dst = appendText(appendComma(dst, i), s.Pins[i])
	}
	return append(dst, "]}"...)
}

func (e *Earned) append(dst []byte) []byte {
	dst = appendMember(dst, `{"badge":`, e.Badge)
	return append(appendTimeMember(dst, `,"earned_at":`, e.At), '}')
}

func (p *InProgress) append(dst []byte) []byte {
	dst = appendMember(dst, `{"badge":`, p.Badge)
	dst = appendIntMember(dst, `,"value":`, p.Value)
	dst = appendIntMember(dst, `,"threshold":`, p.Threshold)
	return append(appendIntMember(dst, `,"percent":`, p.Percent), '}')
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
