package bench

import "strconv"

func whole(v float64) string     { return grouped(int64(v + 0.5)) }
func decimal(v float64) string   { return strconv.FormatFloat(v, 'f', 1, 64) }
func factor(a, b float64) string { return decimal(a/b) + " ×" }

func cpu(times map[string]float64, name string) string {
	if t, known := times[name]; known {
		return decimal(t)
	}
	return unknown
}

func all(times map[string]float64) float64 {
	sum := 0.0
	for _, t := range times {
		sum += t
	}
	return sum
}

func mebibytes(bytes *int64) string {
	if bytes == nil {
		return unknown
	}
	return grouped(*bytes >> 20)
}

// grouped sets commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, word string) string {
	if n != 1 {
		word += "s"
	}
	return grouped(n) + " " + word
}
