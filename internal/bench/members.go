package bench

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/traffic"
)

// measureMembers is the drain while the member table holds many rows already,
// against an empty table.
func measureMembers(ctx context.Context, b *bench, r *Result) error {
	const full, empty = "members-full", "members-empty"
	l, err := b.log(ctx)
	if err != nil {
		return err
	}
	turns, err := b.alternate(ctx, b.Workload.Rounds,
		func(round int) contender { return b.engineAmong(b.Members, full, l.whole, round) },
		func(round int) contender { return b.engine(empty, l.whole, round) })
	if err != nil {
		return err
	}
	r.drained("members", plural(b.Members, "row"), turns, full, empty, "an empty table")
	return nil
}

// engineAmong is the engine with so many rows in its member table.
func (b *bench) engineAmong(rows int64, name, topic string, round int) contender {
	c := b.engine(name, topic, round)
	if rows > 0 {
		c.prepare = func(ctx context.Context) error { return b.fillMembers(ctx, b.group(name, round), rows) }
	}
	return c
}

// memberRows makes the rows from $1 to $2. It and copyUsers hold all that is
// known here of the table's layout. No event touches any of these rows, as
// their keys are hashes of something else; but half of them are of the
// workload's users, and the others stand between those in the order of the
// key: so what is folded goes everywhere in the index.
const memberRows = `
SELECT CASE WHEN other THEN hashint8extended(n, 1) ELSE user_key END, hashint8extended(i, 2), ($3::smallint[])[kind], 1, 0
FROM (SELECT i, floor(random() * $4)::bigint AS n, 1 + floor(random() * cardinality($3::smallint[]))::int AS kind, random() < 0.5 AS other
	FROM generate_series($1::bigint, $2::bigint) i) r
JOIN bench_users USING (n)`

const memberColumns = `(user_key, row_key, collection, state, prev)`

// memberSlice is how many rows one statement inserts.
const memberSlice = 1_000_000

// fillMembers puts rows into the member table of a group that init has made.
func (b *bench) fillMembers(ctx context.Context, group string, rows int64) error {
	began := time.Now()
	conn, err := pgx.Connect(ctx, b.Servers.Postgres)
	if err != nil {
		return errors.Wrap(err, "connect to Postgres")
	}
	defer conn.Close(context.WithoutCancel(ctx))
	kinds, err := b.memberKinds()
	if err != nil {
		return err
	}
	users, err := b.copyUsers(ctx, conn, group)
	if err != nil {
		return err
	}
	table := pgx.Identifier{group + "_g1", "member"}.Sanitize()
	addKey, err := dropKey(ctx, conn, table)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT setseed(0)"); err != nil { // the same rows each time
		return errors.Wrap(err, "begin with the same random numbers")
	}
	for from := int64(1); from <= rows; from += memberSlice {
		to := min(rows, from+memberSlice-1)
		if _, err := conn.Exec(ctx, "INSERT INTO "+table+memberColumns+memberRows, from, to, kinds, users); err != nil {
			return errors.Wrapf(err, "insert rows %d to %d into %s", from, to, table)
		}
	}
	for _, sql := range []string{addKey, "VACUUM (ANALYZE) " + table} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Wrapf(err, "after inserting %d rows: %s", rows, sql)
		}
	}
	b.say("put %s into the member table in %.1f s", plural(rows, "row"), time.Since(began).Seconds())
	return nil
}

// memberKinds are the collections that have members.
func (b *bench) memberKinds() ([]int16, error) {
	cat, err := catalog.Load(b.Workload.Catalog)
	if err != nil {
		return nil, err
	}
	var kinds []int16
	for i := range cat.Collections {
		if cat.Collections[i].Kind == catalog.Members {
			kinds = append(kinds, int16(i))
		}
	}
	return kinds, nil
}

// copyUsers makes a temporary table of the users who act in the workload, with
// what the group stores their rows under, and gives their number.
func (b *bench) copyUsers(ctx context.Context, conn *pgx.Conn, group string) (int64, error) {
	users, err := b.actors()
	if err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, `CREATE TEMPORARY TABLE bench_users (n bigint, id text, user_key bigint)`); err != nil {
		return 0, errors.Wrap(err, "make a table of users")
	}
	rows := pgx.CopyFromSlice(len(users), func(n int) ([]any, error) { return []any{int64(n), users[n]}, nil })
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"bench_users"}, []string{"n", "id"}, rows); err != nil {
		return 0, errors.Wrap(err, "fill the table of users")
	}
	for _, sql := range []string{
		`UPDATE bench_users SET user_key = (` + pgx.Identifier{group, "row_key"}.Sanitize() + `(id, 0::smallint, '', '')).user_key`,
		`ANALYZE bench_users`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return 0, errors.Wrap(err, "find out what users are stored under")
		}
	}
	return int64(len(users)), nil
}

// actors are the users who act in the workload, once each.
func (b *bench) actors() ([]string, error) {
	world, err := traffic.New(b.Workload.world())
	if err != nil {
		return nil, err
	}
	seen := map[string]struct{}{}
	var users []string
	for n := range b.Workload.Events {
		e := world.Next(n)
		if _, again := seen[e.Subject]; !again {
			seen[e.Subject] = struct{}{}
			users = append(users, e.Subject)
		}
	}
	return users, nil
}

// dropKey drops the table's key, and gives the command that makes it again. A
// key that is made at once fills its pages to 90 %; those of one that grew row
// by row are full to about 70 %.
func dropKey(ctx context.Context, conn *pgx.Conn, table string) (add string, err error) {
	var name, definition string
	err = conn.QueryRow(ctx, `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'`, table).Scan(&name, &definition)
	if err != nil {
		return "", errors.Wrapf(err, "read the key of %s", table)
	}
	change := "ALTER TABLE " + table
	if _, err := conn.Exec(ctx, change+" DROP CONSTRAINT "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", errors.Wrapf(err, "drop the key of %s", table)
	}
	return change + " ADD " + definition + " WITH (fillfactor = 70)", nil
}
