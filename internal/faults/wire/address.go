package wire

import (
	"net/url"

	"github.com/cockroachdb/errors"
)

// Through is a Postgres or Redis URL with a proxy's address in place of the
// server's. It asks for no encryption, which a proxy could not read.
func Through(server, proxy string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New("the server's URL cannot be read") // it may hold a password
	}
	u.Host = proxy
	if u.Scheme != "redis" {
		q := u.Query()
		q.Set("sslmode", "disable")
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// Host is the HOST:PORT of a URL.
func Host(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New("the server's URL cannot be read")
	}
	return u.Host, nil
}
