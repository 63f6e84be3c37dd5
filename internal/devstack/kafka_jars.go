package devstack

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/cockroachdb/errors"
)

// KafkaVersion is the version of the real broker that StartKafka runs.
const KafkaVersion = "4.1.1"

// oldestJava is the first major version that Kafka 4's broker runs on.
const oldestJava = 17

//go:embed kafka.pom.xml
var kafkaPOM []byte

// kafkaJars answers with the directory of the broker's jars. They are fetched
// from Maven Central once and kept in the cache.
func kafkaJars(ctx context.Context) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	final := filepath.Join(cache, "kafka-"+KafkaVersion)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", errors.Wrap(err, "making the cache directory")
	}
	// One fetches, the others wait and find it done.
	lock, err := lockDir(cache, true)
	if err != nil {
		return "", err
	}
	defer lock.Close() //nolint:errcheck // closing gives the lock back; nothing was written
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	return final, fetchJars(ctx, cache, final)
}

// fetchJars has Maven copy the jars to a directory beside final, and puts it
// in place when it is whole.
func fetchJars(ctx context.Context, cache, final string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return errors.Wrap(err, "a real Kafka is fetched with Maven (install maven, or use kfake)")
	}
	half, err := os.MkdirTemp(cache, "kafka-*.new")
	if err != nil {
		return errors.Wrap(err, "making a directory for Kafka's jars")
	}
	defer os.RemoveAll(half) //nolint:errcheck // what is left over is only space
	if err := os.WriteFile(filepath.Join(half, "pom.xml"), kafkaPOM, 0o644); err != nil {
		return errors.Wrap(err, "writing the pom for Kafka's jars")
	}
	jars := filepath.Join(half, "jars")
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-Dkafka.version="+KafkaVersion,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+jars)
	cmd.Dir = half
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Wrapf(err, "fetching Kafka %s with Maven: %s", KafkaVersion, out)
	}
	return errors.Wrap(os.Rename(jars, final), "putting Kafka's jars in place")
}

// findJava looks for a Java that runs the broker. It prints its version as
// `openjdk version "17.0.15" 2025-04-15`.
func findJava(ctx context.Context) (string, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return "", errors.Wrapf(err, "a real Kafka needs Java %d or later (install it, or use kfake)", oldestJava)
	}
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return "", errors.Wrapf(err, "asking %s for its version: %s", java, out)
	}
	match := regexp.MustCompile(`version "(\d+)`).FindSubmatch(out)
	if match == nil {
		return "", errors.Newf("%s -version answers %q, which names no version", java, out)
	}
	if major, err := strconv.Atoi(string(match[1])); err != nil || major < oldestJava {
		return "", errors.Newf("%s is Java %s, and Kafka %s needs %d or later", java, match[1], KafkaVersion, oldestJava)
	}
	return java, nil
}
