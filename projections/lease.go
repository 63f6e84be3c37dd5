package projections

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A lease whose process or machine is gone must fall soon: both sides notice a
// dead peer within a few seconds.
const (
	keepAliveIdle     = 2 * time.Second
	keepAliveInterval = 1 * time.Second
	keepAliveCount    = 3
	leasePing         = 2 * time.Second
)

// Lease is a slot of the group that this process alone holds, for as long as
// its connection lives.
type Lease struct {
	// Slot is the number, from 0. It names the transactional id and the static
	// membership of a worker.
	Slot int32
	conn *pgx.Conn
}

// LeaseSlot takes the lowest free slot of the group, on a connection of its
// own. It is free again when the lease is closed or its connection ends. Give
// it a context for the taking alone.
func (s *Store) LeaseSlot(ctx context.Context) (*Lease, error) {
	cfg := s.pool.Config().ConnConfig.Copy()
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}}
	cfg.DialFunc = dialer.DialContext
	cfg.RuntimeParams["application_name"] = "badgestream lease"
	noticeDeadClient(&cfg.Config)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, unreachable(err, &cfg.Config)
	}
	for slot := int32(0); ; slot++ {
		var taken bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockKey("slot", s.group), slot).Scan(&taken); err != nil {
			closeQuietly(conn)
			return nil, errors.Wrapf(err, "lease a slot of group %s", s.group)
		}
		if taken {
			return &Lease{Slot: slot, conn: conn}, nil
		}
	}
}

// noticeDeadClient has the server end the session soon after the client's
// machine has gone.
func noticeDeadClient(cfg *pgconn.Config) {
	cfg.RuntimeParams["tcp_keepalives_idle"] = seconds(keepAliveIdle)
	cfg.RuntimeParams["tcp_keepalives_interval"] = seconds(keepAliveInterval)
	cfg.RuntimeParams["tcp_keepalives_count"] = strconv.Itoa(keepAliveCount)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// Hold watches over the lease. It returns nil when the context ends, and an
// error when the lease is lost: another process may then have the slot. While
// it runs, nothing else may use the lease.
func (l *Lease) Hold(ctx context.Context) error {
	for {
		pause(ctx, leasePing)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // that the context ends is what it waits for
		}
		// A ping that is broken off would cost the connection, and the slot.
		if err := l.Check(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
}

// Check asks whether the lease still holds.
func (l *Lease) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepAliveIdle+keepAliveCount*keepAliveInterval)
	defer cancel()
	return errors.Wrapf(l.conn.Ping(ctx), "slot %d is lost: the connection that held it ended", l.Slot)
}

// Close gives the slot up.
func (l *Lease) Close(ctx context.Context) error {
	return errors.Wrapf(l.conn.Close(ctx), "give up slot %d", l.Slot)
}
