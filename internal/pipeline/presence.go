package pipeline

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// presencePatience is how long a process that starts waits for others that
// seem to use another Redis. They look every redisLook which one theirs is:
// after a restart of Redis they need as long to notice.
const presencePatience = 2*redisLook + 2*time.Second

// announce refuses to start beside processes that use another Redis.
func (e *engine) announce(ctx context.Context) error {
	server := redisServer(ctx, e.rdb)
	if server == "" {
		return nil
	}
	told, err := e.postgres.Announce(ctx, server)
	if err != nil {
		return err
	}
	e.presence = told
	for began := time.Now(); ; {
		others, err := told.Others(ctx)
		if err != nil || others == 0 {
			return err
		}
		if time.Since(began) > presencePatience {
			return halt("group %s has %d processes that use another Redis than this one: snapshots would be in one of them or the other; give all of them the same --redis, or stop the others first, to move to this one", e.cfg.Group, others)
		}
		select {
		case <-time.After(redisLook / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keepPresent says it again if Redis was restarted, or if Postgres was.
func (e *engine) keepPresent(ctx context.Context) {
	server := redisServer(ctx, e.rdb)
	if server == "" || e.presence != nil && e.presence.Move(ctx, server) == nil {
		return
	}
	if e.presence != nil {
		e.presence.Close()
		e.presence = nil
	}
	told, err := e.postgres.Announce(ctx, server)
	if err != nil {
		e.log.WarnContext(ctx, "which Redis is used could not be told to the other processes, trying again", "error", err)
		return
	}
	e.presence = told
}

// redisServer names the server, however it is reached: another name after each
// start. It is empty where Redis does not say.
func redisServer(ctx context.Context, rdb redis.UniversalClient) string {
	if rdb == nil {
		return ""
	}
	info, err := rdb.Info(ctx, "server").Result()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok && id != "" {
			return id + "/" + strconv.Itoa(database(rdb))
		}
	}
	return ""
}

func database(rdb redis.UniversalClient) int {
	if single, ok := rdb.(*redis.Client); ok {
		return single.Options().DB
	}
	return 0
}
