package settings

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Any config file: it is taken whole, or one sentence says where it is wrong,
// and soon.
func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{"brokers: [a:1, b:2]\nbatch: 3\n", "tick: 1h\nhttp: :8080\n", "{batch: 1}", "- batch\n", "batch:\n  - 1\n", "", "# nothing\n", "batch: &a 1\nworkers: *a\n",
		"<<: {batch: 1}\n", "? batch\n: 1\n", "batch: 1\nbatch: 2\n", "a: b: c\n", "batch: !!int 1\n", "---\nbatch: 1\n---\nworkers: 1\n", "postgres: |\n  postgres://x@y/z\n", "batch: .inf\n", "\"batch\": '1'\n", "batch\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		began := time.Now()
		entries, err := parseFile("c.yaml", text)
		// The file is the operator's own: it may be odd, but not keep a start waiting.
		if took := time.Since(began); took > 20*time.Second {
			t.Fatalf("took %v", took)
		}
		var s Settings
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Bind(flags)
		for _, e := range entries {
			if flags.Lookup(e.key) == nil || e.key == configFlag || e.line < 1 {
				t.Errorf("%+v is no setting", e)
				continue
			}
			if err == nil {
				err = set(flags, e.key, e.value)
			}
		}
		if err == nil {
			return
		}
		if n := len(err.Error()); n == 0 || n > 3*len(text)+2000 || strings.Contains(err.Error(), "\x00") || !utf8.ValidString(err.Error()) {
			t.Errorf("the error has %d bytes: %q", n, err)
		}
	})
}
