package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/badgestream/badgestream/schemas"
)

// TestHashUser: the hash is made of these bytes, in this order, as another
// program (sha256sum) makes it.
func TestHashUser(t *testing.T) {
	text, err := schemas.HashUser([16]byte([]byte("0123456789abcdef")), "mira").MarshalText()
	if err != nil || string(text) != "186bac4f2f41e59aef798e1f2514958e" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestParseErasure(t *testing.T) {
	one := `"` + strings.Repeat("0a", 16) + `"`
	for data, fails := range map[string]string{
		`{"users":[` + one + `],"by":"anna"}`:                                              "",
		`{"users":[` + one + `,` + one + `],"by":"anna","reason":"x"}`:                     "",
		`{"users":[],"by":"anna"}`:                                                         "has 0 hashes",
		`{"by":"anna"}`:                                                                    "has 0 hashes",
		`{"users":[` + one + `]}`:                                                          "data.by is missing",
		`{"users":["mira"],"by":"anna"}`:                                                   "hashes of 32 hexadecimal digits",
		`{"users":["` + strings.Repeat("0g", 16) + `"],"by":"anna"}`:                       "hashes of 32 hexadecimal digits",
		`{"users":[` + strings.Repeat(one+`,`, schemas.MaxErased) + one + `],"by":"anna"}`: "has 1001 hashes",
		`{"users":[` + one + `],"by":"` + strings.Repeat("a", schemas.MaxIDBytes+1) + `"}`: "data.by has",
		`{"users":[` + one + `],"by":"anna","reason":"a\u0000"}`:                           "U+0000",
		`[]`: "must be an object",
	} {
		e, err := schemas.ParseErasure([]byte(data))
		if fails == "" {
			again, _ := e.Append(nil)
			if err != nil || !json.Valid(again) || len(e.Users) == 0 || e.By != "anna" {
				t.Errorf("%.60s: %+v, %v", data, e, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), fails) {
			t.Errorf("%.60s: %v; want %q", data, err, fails)
		}
	}
}

func TestNames(t *testing.T) {
	mira := func(name string) bool { return name == "mira" }
	type header = schemas.Header
	for _, tc := range []struct {
		key, value string
		headers    []header
		want       bool
	}{
		{"mira", "", nil, true},
		{"mira2", `{"who":"mira-3"}`, []header{{Key: "ce_subject", Value: []byte("mir")}}, false},
		{"", "", []header{{Key: "ce_subject", Value: []byte("mira")}}, true},
		{"", `{"a":[1,{"who":"mira"}]}`, nil, true},
		{"", `{"a":"mira`, nil, false},
		{"", `{"a":"mira","b":`, nil, true},
		{"", `{"mira":1}`, nil, true},
		{"", `mira`, nil, false},
		{"", `{"a":"\u006dira"}`, nil, true},
	} {
		if got := schemas.Names(mira, []byte(tc.key), []byte(tc.value), tc.headers); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}
