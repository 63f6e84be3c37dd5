package wire

import (
	"bufio"
	"strings"
	"testing"
)

func TestStatementName(t *testing.T) {
	for sql, want := range map[string]string{
		"COMMIT":                               "COMMIT",
		"commit;":                              "COMMIT",
		"BEGIN ISOLATION LEVEL READ COMMITTED": "BEGIN",
		`INSERT INTO "g_g1".member AS t (user_key) SELECT 1`:                        "INSERT member",
		`INSERT INTO g.users(id) VALUES (1)`:                                        "INSERT users",
		"UPDATE \"g\".fold_offset SET next = $5\nWHERE topic = $1":                  "UPDATE fold_offset",
		"SELECT epoch, generation FROM g.regime FOR SHARE":                          "SELECT regime",
		"SELECT pg_try_advisory_lock($1, $2)":                                       "SELECT pg_try_advisory_lock",
		"SELECT x, (SELECT 1 FROM inner_table), y FROM \"G\".\"outer\"":             "SELECT outer",
		"SELECT (extract(epoch FROM at) * 10)::bigint FROM g.history WHERE x = (1)": "SELECT history",
		"-- ping": "-- ping",
		"":        "",
		"  \n":    "",
		"SELECT":  "SELECT",
		"INSERT":  "INSERT",
	} {
		if got := statementName(sql); got != want {
			t.Errorf("%q is %q, want %q", sql, got, want)
		}
	}
}

func TestRESP(t *testing.T) {
	for _, text := range []string{
		"+OK\r\n", "-ERR no\r\n", ":1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n",
		"$5\r\na\r\nbc\r\n", "$-1\r\n", "$0\r\n\r\n", "*-1\r\n", "*0\r\n",
		"*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n", "%1\r\n+k\r\n*1\r\n:1\r\n", "~1\r\n:1\r\n",
		">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n", "=7\r\ntxt:abc\r\n", "!3\r\nERR\r\n",
		"|1\r\n+ttl\r\n:3600\r\n*1\r\n:7\r\n",
	} {
		in := bufio.NewReader(strings.NewReader(text + "+next\r\n"))
		got, err := resp(in, nil, nil)
		if err != nil || string(got) != text {
			t.Errorf("%q was read as %q: %v", text, got, err)
		}
	}
	for _, text := range []string{"$x\r\n", "\r\n", "*1"} {
		if got, err := resp(bufio.NewReader(strings.NewReader(text)), nil, nil); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}

func TestCommandName(t *testing.T) {
	for words, want := range map[string]string{
		"evalsha abc 1 g:progress:mira x": "EVALSHA progress",
		"EVALSHA abc 1 g:marker f":        "EVALSHA marker",
		"HGETALL g:marker":                "HGETALL marker",
		"PING":                            "PING",
		"HELLO 3":                         "HELLO",
		"EVALSHA abc":                     "EVALSHA",
		"":                                "",
	} {
		if got := commandName(strings.Fields(words)); got != want {
			t.Errorf("%q is %q, want %q", words, got, want)
		}
	}
}
