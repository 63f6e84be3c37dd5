package wire_test

import (
	"context"
	"os"
	"testing"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/faults/wire"
)

func TestMain(m *testing.M) { os.Exit(stacktest.Main(m)) }

// listen opens a proxy for a test, which fails if it could not read something.
func listen(t *testing.T, protocol wire.Protocol, server string) *wire.Proxy {
	t.Helper()
	p, err := wire.Listen(t.Context(), protocol, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if err := p.Err(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// through opens a proxy before the server of a URL, and gives the URL by which
// it is reached.
func through(t *testing.T, protocol wire.Protocol, server string) (*wire.Proxy, string) {
	t.Helper()
	host, err := wire.Host(server)
	if err != nil {
		t.Fatal(err)
	}
	p := listen(t, protocol, host)
	url, err := wire.Through(server, p.Address())
	if err != nil {
		t.Fatal(err)
	}
	return p, url
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	t.Cleanup(cancel)
	return ctx
}

// must fails the test unless the point has fired.
func must(t *testing.T, a *wire.Armed) {
	t.Helper()
	if !a.Fired() {
		t.Errorf("%s never came", a.Point)
	}
}
