package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/settings"
	"github.com/badgestream/badgestream/projections/snapshots"
	"github.com/badgestream/badgestream/schemas"
)

// progressFlags are those of progress alone.
type progressFlags struct {
	all, json bool
	from      string
}

func newProgress(s *settings.Settings) *cobra.Command {
	var f progressFlags
	cmd := &cobra.Command{
		Use:   "progress USER",
		Short: "Show a user's badges and how far the next ones are",
		Long: `progress reads one user's snapshot from Redis, in one round trip; what Redis
does not have comes from Postgres. --from redis or --from postgres asks that one
alone. With --all it lists every user, by id, from Postgres if not told
otherwise.`,
		Example: `  badgestream progress mira
  badgestream progress mira --json --from postgres
  badgestream progress --all --json > progress.ndjson`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(args); err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			var err error
			if f.all {
				err = allProgress(cmd.Context(), out, s, f)
			} else {
				err = userProgress(cmd, out, s, f, args[0])
			}
			return errors.CombineErrors(err, errors.Wrap(out.Flush(), "writing progress"))
		},
	}
	cmd.Flags().BoolVar(&f.all, "all", false, "list every user")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON a line")
	cmd.Flags().StringVar(&f.from, "from", "", "`server` to read from: redis or postgres")
	return cmd
}

func (f progressFlags) check(args []string) error {
	switch {
	case f.from != "" && f.from != string(snapshots.FromRedis) && f.from != string(snapshots.FromPostgres):
		return usage(errors.Newf("--from: %q is not known: it is redis or postgres", f.from))
	case f.all && len(args) > 0:
		return usage(errors.New("--all lists every user: leave the name out, or the flag"))
	case !f.all && len(args) != 1:
		return usage(errors.Newf("`badgestream progress` takes one user, but %d were given; --all lists every user", len(args)))
	}
	return nil
}

func userProgress(cmd *cobra.Command, out io.Writer, s *settings.Settings, f progressFlags, user string) error {
	ctx := cmd.Context()
	postgres := &lazyPostgres{url: s.Postgres, group: s.Group}
	defer postgres.close()
	list, origin, view, err := readOne(ctx, s, f.from, postgres, user)
	if err != nil {
		return err
	}
	if f.from == "" && origin == snapshots.FromPostgres {
		tell(cmd.ErrOrStderr(), "Redis does not have it: this is from Postgres\n")
	}
	if f.json {
		return writeJSON(out, list)
	}
	return drawProgress(out, &list, view)
}

// readOne reads one user's progress from the server asked for; if none is,
// from Redis, and from Postgres what is not there.
func readOne(ctx context.Context, s *settings.Settings, from string, postgres *lazyPostgres, user string) (schemas.Progress, snapshots.Origin, *schemas.CatalogView, error) {
	now := time.Now().UnixMicro()
	if from == string(snapshots.FromPostgres) {
		found, err := postgres.Snapshots(ctx, []string{user})
		if err != nil {
			return schemas.Progress{}, "", nil, err
		}
		view, err := postgres.Catalog(ctx)
		if err != nil {
			return schemas.Progress{}, "", nil, err
		}
		snapshot := schemas.Snapshot{User: user}
		if len(found) > 0 {
			snapshot = found[0]
		}
		return snapshot.Progress(view, now), snapshots.FromPostgres, view, nil
	}
	rdb, err := openRedis(s.Redis)
	if err != nil {
		return schemas.Progress{}, "", nil, err
	}
	defer rdb.Close()
	reader := snapshots.NewReader(rdb, s.Group, nil)
	if from == "" {
		reader = snapshots.NewReader(rdb, s.Group, postgres)
	}
	list, origins, err := reader.Progress(ctx, now, user)
	if err != nil {
		return schemas.Progress{}, "", nil, err
	}
	view, err := reader.Catalog(ctx)
	return list[0], origins[0], view, err
}

// openRedis makes a client that greets the server and asks: with RESP2 and
// without introducing itself, it has nothing more to negotiate.
func openRedis(url string) (*redis.Client, error) {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, usage(errors.New("--redis: it is no URL of the form redis://USER:PASSWORD@HOST:PORT/DATABASE"))
	}
	opts.Protocol, opts.DisableIdentity = 2, true
	opts.DialTimeout, opts.ReadTimeout = 5*time.Second, 10*time.Second
	opts.MaxRetries = 1
	return redis.NewClient(opts), nil
}

func writeJSON(out io.Writer, p schemas.Progress) error {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	return errors.Wrap(lines.Encode(p), "writing progress")
}
