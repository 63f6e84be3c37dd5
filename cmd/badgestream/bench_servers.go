package main

import (
	"context"
	"os"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/bench"
	"github.com/badgestream/badgestream/internal/devstack"
)

// startBenchServers starts real servers in a directory that goes when they
// stop. Postgres is as safe as it is by default, and has the memory of a small
// server of its own.
func startBenchServers(ctx context.Context) (bench.Servers, func(*error), error) {
	dir, err := os.MkdirTemp("", "badgestream-bench-")
	if err != nil {
		return bench.Servers{}, nil, errors.Wrap(err, "making a directory for the servers")
	}
	stack, err := devstack.StartAll(ctx, devstack.Options{
		Dir: dir, Real: true, KafkaHeap: "1g",
		PostgresSettings: map[string]string{"shared_buffers": "1GB", "max_wal_size": "8GB"},
	})
	if err != nil {
		return bench.Servers{}, nil, errors.CombineErrors(err, os.RemoveAll(dir))
	}
	servers := bench.Servers{
		Brokers: stack.Brokers, Postgres: stack.PostgresURL, Redis: stack.RedisURL, Own: true,
		KafkaVersion: devstack.KafkaVersion,
	}
	for i, description := range stack.Descriptions() {
		// Its first two words are the name and the version, which are asked for.
		words := strings.SplitN(description, " ", 3)
		servers.Origins[i] = "started for this: " + words[len(words)-1]
	}
	return servers, func(err *error) {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		*err = errors.CombineErrors(*err, stack.Stop(stopping))
		*err = errors.CombineErrors(*err, errors.Wrap(os.RemoveAll(dir), "removing the servers' directory"))
	}, nil
}
