package settings

import (
	"os"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/spf13/pflag"
)

// Resolve fills in, from the environment and the config file, the settings
// whose flags were not given. The flags are those of Bind, parsed; lookup is
// os.LookupEnv. Every error is one sentence.
func Resolve(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	if err := fromEnvironment(flags, lookup); err != nil {
		return err
	}
	if file := flags.Lookup(configFlag).Value.String(); file != "" {
		if err := fromFile(flags, file); err != nil {
			return err
		}
	}
	return distinctTopics(flags)
}

// Variable is the environment variable of a flag.
func Variable(flag string) string {
	return "BADGESTREAM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment leaves variables alone that it does not know: Kubernetes
// sets some for every service.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	for _, name := range names() {
		given, ok := lookup(Variable(name))
		if !ok || flags.Changed(name) {
			continue
		}
		if err := set(flags, name, given); err != nil {
			return errors.Wrap(err, Variable(name))
		}
	}
	return nil
}

func fromFile(flags *pflag.FlagSet, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return errors.Wrapf(err, "reading config file %s", path)
	}
	entries, err := parseFile(path, content)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if flags.Changed(e.key) {
			continue
		}
		if err := set(flags, e.key, e.value); err != nil {
			return errors.Wrapf(err, "%s:%d: %s", path, e.line, e.key)
		}
	}
	return nil
}

// set gives the flag a value. It counts as changed from then on, so that what
// comes later in the order of precedence leaves it alone.
func set(flags *pflag.FlagSet, name, given string) error {
	err := flags.Set(name, given)
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalid.Unwrap()
	}
	return err
}

// distinctTopics refuses one topic in two roles: its own output would come
// back as input.
func distinctTopics(flags *pflag.FlagSet) error {
	role := map[string]string{}
	for _, name := range []string{"activity-topic", "award-topic", "dead-letter-topic"} {
		topic := flags.Lookup(name).Value.String()
		if other, taken := role[topic]; taken {
			return errors.Newf("--%s and --%s are both %q: each needs a topic of its own", other, name, topic)
		}
		role[topic] = name
	}
	return nil
}

// names lists the settings, sorted.
func names() []string {
	var s Settings
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.Bind(flags)
	var all []string
	flags.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}
