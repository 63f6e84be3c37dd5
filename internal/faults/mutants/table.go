package mutants

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cockroachdb/errors"
)

// The table of a document stands between these.
const (
	tableBegins = "<!-- mutants: written by go run ./internal/faults/cmd/mutants -->\n"
	tableEnds   = "<!-- end of mutants -->\n"
)

// notRun stands in the row of a mutant that was never seen caught.
const notRun = "not run yet"

const tableHead = "| Mutant | The mistake | Caught by | Which said | After |\n|---|---|---|---|---|\n"

// row is a caught mutant's line of the table.
func row(r *Result) string {
	return fmt.Sprintf("| %s | %s | `%s` | %s | %.0f s |\n", r.Mutant.Name, cell(r.Mutant.Why, 1000), r.Test, cell(r.Said, 110), r.Took.Seconds())
}

// cell makes a text one that a table's cell can hold, of a bounded length.
func cell(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if short := []rune(text); len(short) > most {
		text = string(short[:most-1]) + "…"
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
}

// Rows are the lines of a document's table, by the mutant's name.
func Rows(document string) (map[string]string, error) {
	_, rest, found := strings.Cut(document, tableBegins)
	table, _, ended := strings.Cut(rest, tableEnds)
	if !found || !ended {
		return nil, errors.Newf("the document has no place for the table: write these two lines where it shall stand\n%s%s", tableBegins, tableEnds)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z0-9-]+) \|.*\n`).FindAllStringSubmatch(table, -1) {
		rows[m[1]] = m[0]
	}
	return rows, nil
}

// Update writes the results into a document's table. Rows of mutants that were
// not run stay, those of mutants that are no more go, and one that was never
// caught says so.
func Update(document string, all []Mutant, results []Result) (string, error) {
	rows, err := Rows(document)
	if err != nil {
		return "", err
	}
	for i := range results {
		if delete(rows, results[i].Mutant.Name); results[i].Err == nil {
			rows[results[i].Mutant.Name] = row(&results[i])
		}
	}
	before, rest, _ := strings.Cut(document, tableBegins)
	_, after, _ := strings.Cut(rest, tableEnds)
	table := tableHead
	for i := range all {
		if line, ok := rows[all[i].Name]; ok {
			table += line
			continue
		}
		table += fmt.Sprintf("| %s | %s | %s | | |\n", all[i].Name, cell(all[i].Why, 1000), notRun)
	}
	return before + tableBegins + table + tableEnds + after, nil
}
