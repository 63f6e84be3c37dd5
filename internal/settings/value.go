package settings

import (
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// value is a pflag.Value whose errors are sentences for people. They do not
// repeat what was given where that may hold a password.
type value[T any] struct {
	at    *T
	kind  string
	parse func(string) (T, error)
	show  func(T) string
}

// Set takes a new value, or says what is wrong with it.
func (v *value[T]) Set(s string) error {
	parsed, err := v.parse(s)
	if err != nil {
		return err
	}
	*v.at = parsed
	return nil
}

func (v *value[T]) String() string {
	if v.at == nil { // pflag asks a zero value of the type
		return ""
	}
	return v.show(*v.at)
}

// Type is the word for the value in help, where the usage names no other.
func (v *value[T]) Type() string { return v.kind }

func checked(at *string, check func(string) error) *value[string] {
	return &value[string]{at, "text", func(s string) (string, error) { return s, check(s) }, func(s string) string { return s }}
}

func text(at *string) *value[string] {
	return checked(at, func(s string) error {
		if s == "" {
			return errors.New("it is empty")
		}
		return nil
	})
}

// topicName is what Kafka takes (org.apache.kafka.common.internals.Topic).
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func topic(at *string) *value[string] {
	return checked(at, func(s string) error {
		if !topicName.MatchString(s) || s == "." || s == ".." {
			return errors.Newf("%q is no name of a topic: it has 1 to 249 letters, digits, dots, dashes and underscores", s)
		}
		return nil
	})
}

func serverURL(at *string, schemes ...string) *value[string] {
	return checked(at, func(s string) error {
		u, err := url.Parse(s)
		if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.Path == "" {
			return errors.Newf("it is no URL of the form %s://USER:PASSWORD@HOST:PORT/DATABASE", schemes[0])
		}
		return nil
	})
}

func address(at *string) *value[string] {
	return checked(at, func(s string) error {
		if _, _, err := net.SplitHostPort(s); s != "" && err != nil {
			return errors.Newf("%q is no address such as :8080 or 127.0.0.1:8080", s)
		}
		return nil
	})
}

func oneOf(at *string, words ...string) *value[string] {
	return checked(at, func(s string) error {
		if !slices.Contains(words, s) {
			return errors.Newf("%q is not known: %s", s, DidYouMean(s, words))
		}
		return nil
	})
}

func brokers(at *[]string) *value[[]string] {
	parse := func(s string) ([]string, error) {
		list := strings.Split(s, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
			if _, _, err := net.SplitHostPort(list[i]); err != nil {
				return nil, errors.Newf("%q is no server of the form HOST:PORT", list[i])
			}
		}
		return list, nil
	}
	return &value[[]string]{at, "list", parse, func(list []string) string { return strings.Join(list, ",") }}
}

func atLeast(at *int, least int) *value[int] {
	parse := func(s string) (int, error) {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || int(n) < least {
			return 0, errors.Newf("%q is no whole number from %d up", s, least)
		}
		return int(n), nil
	}
	return &value[int]{at, "number", parse, strconv.Itoa}
}

func interval(at *time.Duration) *value[time.Duration] {
	parse := func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return 0, errors.Newf("%q is no length of time such as 1h, 90s or 0", s)
		}
		return d, nil
	}
	return &value[time.Duration]{at, "duration", parse, time.Duration.String}
}

func level(at *slog.Level) *value[slog.Level] {
	levels := []string{"debug", "info", "warn", "error"}
	parse := func(s string) (slog.Level, error) {
		if i := slices.Index(levels, strings.ToLower(s)); i >= 0 {
			return slog.LevelDebug + slog.Level(4*i), nil
		}
		return 0, errors.Newf("%q is not known: %s", s, DidYouMean(s, levels))
	}
	return &value[slog.Level]{at, "level", parse, func(l slog.Level) string { return strings.ToLower(l.String()) }}
}
