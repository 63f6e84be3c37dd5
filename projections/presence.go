package projections

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Presence tells the other processes of a group which Redis this one uses, for
// as long as its connection lives: processes that use two of them would each
// leave the other's readers behind.
//
// It is a shared advisory lock whose number is made of the server's name, so
// nothing is left behind of a process that was killed.
type Presence struct {
	conn   *pgx.Conn
	group  string
	server string
}

// Announce says that this process uses the server of that name, on a
// connection of its own.
func (s *Store) Announce(ctx context.Context, server string) (*Presence, error) {
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.RuntimeParams["application_name"] = "badgestream presence"
	noticeDeadClient(&cfg.Config)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, unreachable(err, &cfg.Config)
	}
	p := &Presence{conn: conn, group: s.group, server: server}
	if err := p.take(ctx, server); err != nil {
		closeQuietly(conn)
		return nil, err
	}
	return p, nil
}

// Move says that this process uses another server from now on. After an error
// the presence is of no more use.
func (p *Presence) Move(ctx context.Context, server string) error {
	if server == p.server {
		return errors.Wrap(p.conn.Ping(ctx), "ask whether the presence still holds")
	}
	if err := p.take(ctx, server); err != nil {
		return err
	}
	_, err := p.conn.Exec(ctx, `SELECT pg_advisory_unlock_shared($1, $2)`, p.key(), serverKey(p.server))
	p.server = server
	return errors.Wrap(err, "give up the former presence")
}

// Others counts the processes of the group that use another server.
func (p *Presence) Others(ctx context.Context) (n int, err error) {
	err = p.conn.QueryRow(ctx, `SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND datname = current_database() AND objsubid = 2
  AND classid::bigint = $1 & 4294967295 AND objid::bigint <> $2 & 4294967295`, int64(p.key()), int64(serverKey(p.server))).Scan(&n)
	return n, errors.Wrap(err, "look which Redis the other processes use")
}

// Close ends the presence.
func (p *Presence) Close() { closeQuietly(p.conn) }

func (p *Presence) take(ctx context.Context, server string) error {
	ctx, cancel := context.WithTimeout(ctx, presenceTime)
	defer cancel()
	_, err := p.conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1, $2)`, p.key(), serverKey(server))
	return errors.Wrap(err, "announce which Redis is used")
}

// presenceTime bounds the taking of a lock that nobody takes for himself.
const presenceTime = 10 * time.Second

func (p *Presence) key() int32 { return lockKey("redis", p.group) }

func serverKey(server string) int32 {
	h := fnv.New32a()
	h.Write([]byte(server))
	return int32(h.Sum32())
}
