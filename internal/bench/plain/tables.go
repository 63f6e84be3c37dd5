package plain

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tables is a schema as one draws it on the first day.
const tables = `
CREATE TABLE seen (event_id text PRIMARY KEY);
CREATE TABLE members (
    user_id text, counter text, member text,
    PRIMARY KEY (user_id, counter, member));
CREATE TABLE counters (
    user_id text, counter text, value bigint NOT NULL,
    PRIMARY KEY (user_id, counter));
CREATE TABLE awards (
    user_id text, badge text, earned_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, badge));
CREATE TABLE badges (badge text PRIMARY KEY, counter text NOT NULL, threshold bigint NOT NULL);
CREATE INDEX ON badges (counter, threshold);
INSERT INTO badges VALUES
    ('first-light', 'visits', 1), ('explorer', 'visits', 5), ('pathfinder', 'visits', 10),
    ('stargazer', 'visits', 25), ('celestial-navigator', 'visits', 50), ('cosmic-voyager', 'visits', 100),
    ('scout', 'locations', 1), ('discoverer', 'locations', 5), ('trailblazer', 'locations', 10),
    ('location-legend', 'locations', 25), ('reviewer', 'reviews', 5), ('helpful-voice', 'upvotes', 10),
    ('conversationalist', 'comments', 10), ('connector', 'followers', 10), ('influencer', 'followers', 50),
    ('community-leader', 'followers', 100), ('ambassador', 'followers', 200), ('photographer', 'photos', 25);
`

// openTables makes the tables in a schema named after the group, and answers
// with a pool whose connections work there.
func openTables(ctx context.Context, url, group string, connections int) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the Postgres URL cannot be read: it should look like postgres://user:password@host:5432/database")
	}
	schema := pgx.Identifier{group}.Sanitize()
	cfg.MaxConns = int32(connections)
	cfg.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errors.Wrap(err, "open Postgres")
	}
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+schema+";"+tables); err != nil {
		pool.Close()
		return nil, errors.Wrapf(err, "make the tables of %s", group)
	}
	return pool, nil
}
