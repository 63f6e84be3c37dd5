package settings

import "strings"

// DidYouMean ends a sentence about an unknown word: with the known word that
// is closest to it, or else with all of them.
func DidYouMean(word string, known []string) string {
	if best := Closest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return "there are " + strings.Join(known, ", ")
}

// Closest is the known word that the given one is most likely a slip of, or
// nothing.
func Closest(word string, known []string) string {
	best, least := "", 2+len(word)/3
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's: how many bytes to insert, drop or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
