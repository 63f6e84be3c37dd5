package schemas

import (
	"strconv"

	"github.com/cockroachdb/errors"
)

// Number is a number with its name.
type Number struct {
	Name  string
	Value int64
}

// Numbers is a JSON object of whole numbers that keeps its order.
type Numbers []Number

// Append appends the object.
func (n Numbers) Append(dst []byte) []byte {
	sep := byte('{')
	for i := range n {
		dst = append(appendText(append(dst, sep), n[i].Name), ':')
		dst = strconv.AppendInt(dst, n[i].Value, 10)
		sep = ','
	}
	return closeObject(dst, sep)
}

// MarshalJSON is Append for encoding/json.
func (n Numbers) MarshalJSON() ([]byte, error) { return n.Append(nil), nil }

// UnmarshalJSON reads the object. The error is a *Reject that names the member.
func (n *Numbers) UnmarshalJSON(text []byte) error {
	*n = make(Numbers, 0, 8)
	return members(text, "the object", ReasonData, func(name string, raw []byte) error {
		value, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return reject(ReasonData, "%s is %s; it must be a whole number", quoted(name), shown(raw))
		}
		*n = append(*n, Number{Name: name, Value: value})
		return nil
	})
}

// Instant is a point in time with its name.
type Instant struct {
	Name string
	At   int64 // Unix microseconds
}

// Instants is a JSON object of RFC 3339 times that keeps its order.
type Instants []Instant

// Append appends the object.
func (n Instants) Append(dst []byte) []byte {
	sep := byte('{')
	for i := range n {
		dst = appendText(append(dst, sep), n[i].Name)
		dst = appendTimeMember(dst, ":", n[i].At)
		sep = ','
	}
	return closeObject(dst, sep)
}

// MarshalJSON is Append for encoding/json.
func (n Instants) MarshalJSON() ([]byte, error) { return n.Append(nil), nil }

// UnmarshalJSON reads the object. The error is a *Reject that names the member.
func (n *Instants) UnmarshalJSON(text []byte) error {
	*n = make(Instants, 0, 2)
	return members(text, "the object", ReasonData, func(name string, raw []byte) error {
		if !isString(raw) {
			return reject(ReasonData, "%s is %s; it must be an RFC 3339 time", quoted(name), shown(raw))
		}
		at, err := ParseTime(unquote(raw))
		if err != nil {
			return reject(ReasonData, "%s: %s", quoted(name), err)
		}
		*n = append(*n, Instant{Name: name, At: at})
		return nil
	})
}

func closeObject(dst []byte, sep byte) []byte {
	if sep == '{' {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

// jsonTime is an instant in Unix microseconds that JSON holds as RFC 3339.
type jsonTime int64

func (t jsonTime) MarshalText() ([]byte, error) { return AppendTime(nil, int64(t)), nil }

func (t *jsonTime) UnmarshalText(text []byte) error {
	micros, err := ParseTime(string(text))
	if err != nil {
		return errors.Wrap(err, "read a time")
	}
	*t = jsonTime(micros)
	return nil
}
