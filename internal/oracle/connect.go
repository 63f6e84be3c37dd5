package oracle

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kgo"
)

// answers checks that a broker does.
func answers(ctx context.Context, cl *kgo.Client, brokers []string) error {
	const patience = 10 * time.Second
	answer, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return errors.Wrapf(cl.Ping(answer), "Kafka does not answer at %s: start it, or set --brokers", strings.Join(brokers, ","))
}

// connect makes a connection to Postgres that waits for as long as a pass
// takes: a pass is one transaction, which is idle while the log is read.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the URL of Postgres is none of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	cfg.RuntimeParams["application_name"] = "badgestream audit"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	cfg.RuntimeParams["statement_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err == nil {
		return conn, nil
	}
	at := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return nil, errors.Wrapf(refused, "Postgres at %s refuses the connection for user %s and database %s", at, cfg.User, cfg.Database)
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		err = dial // the whole would name every attempt, each on a line
	}
	return nil, errors.Wrapf(err, "Postgres at %s cannot be reached", at)
}
