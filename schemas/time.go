package schemas

import (
	"time"

	"github.com/cockroachdb/errors"
)

// The first and the last instant that RFC 3339 can write in UTC, in Unix
// microseconds: the years 0000 to 9999.
const (
	MinTime int64 = -62_167_219_200_000_000
	MaxTime int64 = 253_402_300_799_999_999
)

// AppendTime appends an instant, given in Unix microseconds, as RFC 3339 in
// UTC: with 3 digits after the second, or 6 if it is no whole millisecond.
// The instant is from MinTime to MaxTime.
func AppendTime(dst []byte, micros int64) []byte {
	dst = time.UnixMicro(micros).UTC().AppendFormat(dst, time.RFC3339)
	rest := micros % 1e6
	if rest < 0 {
		rest += 1e6
	}
	digits := 6
	if rest%1000 == 0 {
		rest, digits = rest/1000, 3
	}
	dst[len(dst)-1] = '.' // it was the Z
	return append(appendPadded(dst, rest, digits), 'Z')
}

// FormatTime is AppendTime into a string.
func FormatTime(micros int64) string {
	var buf [32]byte
	return string(AppendTime(buf[:0], micros))
}

// ParseTime reads an RFC 3339 time (https://www.rfc-editor.org/rfc/rfc3339,
// section 5.6) into Unix microseconds. Finer digits are cut. It takes any
// offset and lower-case t and z, and refuses leap seconds, for which Unix time
// has no number, and instants outside MinTime to MaxTime.
func ParseTime(s string) (int64, error) {
	micros, ok := parseTime(s)
	if !ok {
		return 0, errors.Newf("%s is no RFC 3339 time such as 2026-03-01T12:00:01.000Z", quoted(s))
	}
	return micros, nil
}

func parseTime(s string) (micros int64, ok bool) {
	if len(s) < len("2026-03-01T12:00:01Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, month, day := number(s[:4]), number(s[5:7]), number(s[8:10])
	hour, minute, second := number(s[11:13]), number(s[14:16]), number(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		uint(hour) > 23 || uint(minute) > 59 || uint(second) > 59 {
		return 0, false
	}
	fraction, rest, ok := cutFraction(s[19:])
	if !ok {
		return 0, false
	}
	offset, ok := offsetSeconds(rest)
	if !ok {
		return 0, false
	}
	seconds := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Unix() - int64(offset)
	micros = seconds*1e6 + fraction
	return micros, micros >= MinTime && micros <= MaxTime
}

// cutFraction reads the digits after the second, if there are any, as
// microseconds, and gives what follows them.
func cutFraction(s string) (micros int64, rest string, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	i, unit := 1, int64(100_000)
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		micros += int64(s[i]-'0') * unit
		unit /= 10
	}
	return micros, s[i:], i > 1
}

// offsetSeconds reads Z or ±hh:mm: how far local time is before UTC.
func offsetSeconds(s string) (int, bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := number(s[1:3]), number(s[4:6])
	if uint(hours) > 23 || uint(minutes) > 59 {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// number reads a few digits; it is -1 if anything else is among them.
func number(digits string) int {
	n := 0
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return -1
		}
		n = n*10 + int(d)
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// appendPadded appends n ≥ 0 with leading zeros to at least width digits.
func appendPadded(dst []byte, n int64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for ; n > 0 || len(buf)-i < width; n /= 10 {
		i--
		buf[i] = byte('0' + n%10)
	}
	return append(dst, buf[i:]...)
}
