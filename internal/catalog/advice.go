package catalog

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// shapeMessage says what a single value should be.
func shapeMessage(k jsonschema.ErrorKind, rule map[string]any) string {
	say, _ := rule["x-say"].(string)
	if say != "" {
		say = ": " + say
	}
	switch k := k.(type) {
	case *kind.Type:
		if say != "" {
			return "this is " + jsonWord(k.Got) + say
		}
		want := make([]string, len(k.Want))
		for i, w := range k.Want {
			want[i] = jsonWord(w)
		}
		return fmt.Sprintf("this is %s, but here belongs %s", jsonWord(k.Got), listed(want, "or"))
	case *kind.Pattern:
		return fmt.Sprintf("%q does not fit%s", k.Got, say)
	case *kind.Enum:
		want := make([]string, len(k.Want))
		for i, w := range k.Want {
			want[i] = fmt.Sprint(w)
		}
		return fmt.Sprintf("\"%v\" is not known here: %s", k.Got, didYouMean(fmt.Sprint(k.Got), want))
	case *kind.Minimum:
		return fmt.Sprintf("%s is too small: write %s or more", number(k.Got), number(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is too small: write more than %s", number(k.Got), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("%s is too large: write %s or less", number(k.Got), number(k.Want))
	case *kind.MinLength:
		return "this is empty: write a text"
	case *kind.MaxLength:
		return fmt.Sprintf("this has %d characters: %d is the most", k.Got, k.Want)
	case *kind.MinItems, *kind.MinProperties:
		if say != "" {
			return "something is missing" + say
		}
		return "this is empty: write at least one"
	case *kind.MaxItems:
		return fmt.Sprintf("these are %d: %d is the most", k.Got, k.Want) + say
	case *kind.MaxProperties:
		return fmt.Sprintf("these are %d: %d is the most", k.Got, k.Want) + say
	case *kind.Const:
		return "this does not fit" + say
	}
	return k.LocalizedString(message.NewPrinter(language.English)) + say
}

func jsonWord(kind string) string {
	switch kind {
	case "string":
		return "a text"
	case "number":
		return "a number"
	case "integer":
		return "a whole number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "null":
		return "empty"
	}
	return kind
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return out
}
