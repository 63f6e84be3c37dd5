package main

import (
	"os"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

// asProgram, if it is set, makes this program badgestream: for commands that
// start others.
const asProgram = "TEST_AS_BADGESTREAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(stacktest.Main(m))
}
