package schemas

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	const noon = 1772366401_000_000 // date -u -d 2026-03-01T12:00:01 +%s
	for text, want := range map[string]int64{
		"2026-03-01T12:00:01Z":                                 noon,
		"2026-03-01T12:00:01.000Z":                             noon,
		"2026-03-01t12:00:01z":                                 noon,
		"2026-03-01T12:00:01.5Z":                               noon + 500_000,
		"2026-03-01T12:00:01.000001Z":                          noon + 1,
		"2026-03-01T12:00:01.0000019Z":                         noon + 1,
		"2026-03-01T12:00:01." + strings.Repeat("9", 99) + "Z": noon + 999_999,
		"2026-03-01T13:00:01+01:00":                            noon,
		"2026-03-01T06:30:01.000-05:30":                        noon,
		"2026-03-02T11:59:01+23:59":                            noon,
		"2026-03-01T12:00:01-00:00":                            noon,
		"1970-01-01T00:00:00Z":                                 0,
		"1969-12-31T23:59:59.9999999Z":                         -1,
		"2024-02-29T00:00:00Z":                                 1709164800_000_000,
		"2000-02-29T00:00:00Z":                                 951782400_000_000,
		"0000-01-01T00:00:00Z":                                 MinTime,
		"9999-12-31T23:59:59.999999Z":                          MaxTime,
	} {
		if got, err := ParseTime(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "yesterday", "2026-03-01", "2026-03-01T12:00Z", "2026-03-01 12:00:01Z", "2026-03-01T12:00:01", "2026-03-01T12:00:01.Z",
		"2026-03-01T12:00:01,5Z", "2026-03-01T12:00:01+0100", "2026-03-01T12:00:01+01", "2026-03-01T12:00:01+24:00",
		"2026-03-01T12:00:01+01:60", "2026-03-01T12:00:01ZZ", " 2026-03-01T12:00:01Z", "2026-03-01T12:00:01Z ", "2026-3-1T12:00:01.00Z",
		"2026-00-01T12:00:01Z", "2026-13-01T12:00:01Z", "2026-03-00T12:00:01Z", "2026-03-32T12:00:01Z", "2026-04-31T12:00:01Z",
		"2026-02-29T12:00:01Z", "1900-02-29T12:00:01Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:01Z", "2016-12-31T23:59:60Z",
		"+026-03-01T12:00:01Z", "-026-03-01T12:00:01Z", "20a6-03-01T12:00:01Z", "2026-03-01T12:00:01.5é", "２026-03-01T12:00:01Z",
		"12026-03-01T12:00:01Z", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "1772366401",
	} {
		if got, err := ParseTime(text); err == nil {
			t.Errorf("%q is %d; want an error", text, got)
		}
	}
}

func TestFormatTime(t *testing.T) {
	for micros, want := range map[int64]string{
		0:                  "1970-01-01T00:00:00.000Z",
		-1:                 "1969-12-31T23:59:59.999999Z",
		-1000:              "1969-12-31T23:59:59.999Z",
		1772366401_000_000: "2026-03-01T12:00:01.000Z",
		1772366401_020_000: "2026-03-01T12:00:01.020Z",
		1772366401_000_020: "2026-03-01T12:00:01.000020Z",
		MinTime:            "0000-01-01T00:00:00.000Z",
		MaxTime:            "9999-12-31T23:59:59.999999Z",
	} {
		if got := FormatTime(micros); got != want {
			t.Errorf("%d is %s; want %s", micros, got, want)
		}
	}
}

// What we take, Go's parser takes too, as the same instant; and what it takes
// beside (it is lenient with commas, single digits, leap days of offsets), it
// alone does.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-03-01T12:00:01.000Z", "1969-12-31t23:59:59.9999999+12:34", "0000-02-29T00:00:00-23:59"} {
		f.Add(seed, int64(1772366401_000_001))
	}
	f.Fuzz(func(t *testing.T, text string, micros int64) {
		if got, err := ParseTime(text); err == nil {
			want, err := time.Parse(time.RFC3339, strings.ToUpper(text))
			if err != nil || want.UnixMicro() != got {
				t.Errorf("%q is %d; time.Parse has %v, %v", text, got, want, err)
			}
		} else if want, err := time.Parse(time.RFC3339, text); err == nil && want.Format(time.RFC3339Nano) == text &&
			want.UTC().Year() >= 0 && want.UTC().Year() <= 9999 {
			t.Errorf("%q is refused; it is %v", text, want)
		}
		if micros < MinTime || micros > MaxTime {
			return
		}
		if back, err := ParseTime(FormatTime(micros)); err != nil || back != micros {
			t.Errorf("%d is written as %s and read as %d, %v", micros, FormatTime(micros), back, err)
		}
	})
}
