package drift_test

import (
	"os"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }
