package main

import (
	"net"
	"strings"
	"testing"
)

func TestDevSaysWhichPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cli(t.Context(), t, nil, "dev", "--data-dir", t.TempDir(), "--brokers", "127.0.0.1:0", "--postgres", "postgres://127.0.0.1:0/", "--redis", "redis://127.0.0.1:"+port).
		expect(t, 1, "port "+port+" of 127.0.0.1 is taken by another program: stop it, or choose another port with --redis\n")
}

func TestDevTakesNoServersOfOthers(t *testing.T) {
	for _, flags := range [][]string{
		{"--brokers", "kafka:9092"}, {"--brokers", "127.0.0.1:1,127.0.0.1:2"}, {"--brokers", "127.0.0.1:http"},
		{"--postgres", "postgres://db.example/x"}, {"--redis", "unix:///run/redis.sock"},
	} {
		a := cli(t.Context(), t, nil, append([]string{"dev", "--data-dir", t.TempDir()}, flags...)...)
		a.expect(t, exitUsage, "so "+flags[0]+" must name 127.0.0.1 and a port, not ")
		if !strings.Contains(a.errOut, "badgestream run") {
			t.Errorf("it does not name the way out: %s", a.errOut)
		}
	}
}

func TestDevChecksItsFlags(t *testing.T) {
	for _, flags := range [][]string{{"--rate", "0"}, {"--users", "1"}} {
		cli(t.Context(), t, nil, append([]string{"dev"}, flags...)...).expect(t, exitUsage, "--rate must be above 0 and --users at least 2")
	}
}
