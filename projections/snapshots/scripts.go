package snapshots

import (
	"context"
	"fmt"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// scripts are what runs inside Redis. Each call touches one key, so that they
// work in a cluster as well; but putAside and putBack, for the transaction of
// setNewer.
type scripts struct {
	putAside, putBack                            *redis.Script
	newer, raise, turn, finish, view, draw, know *redis.Script
}

func newScripts() *scripts {
	return &scripts{
		// putAside renames the snapshots that are of the same or a later order than
		// those that come. What is no string is none. Whatever goes wrong, all is set
		// that comes, and the error is told.
		putAside: redis.NewScript(fmt.Sprintf(`
local aside, n = KEYS[#KEYS], 0
redis.call('DEL', aside)
for i, order in ipairs(ARGV) do
  local stands = redis.pcall('GETRANGE', KEYS[i], %d, %d)
  if type(stands) == 'string' and stands >= order then
    n = n + 1
    redis.call('RENAME', KEYS[i], aside .. ':' .. n)
    redis.call('RPUSH', aside, KEYS[i])
  elseif type(stands) == 'table' and not string.find(stands.err, 'WRONGTYPE', 1, true) then
    return stands
  end
end
return n`, schemas.OrderOffset, schemas.OrderOffset+schemas.OrderLength-1)),
		// putBack renames them back.
		putBack: redis.NewScript(`
for n, key in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do redis.call('RENAME', KEYS[1] .. ':' .. n, key) end
return redis.call('DEL', KEYS[1])`),
		// newer sets a snapshot unless one of the same or a later order is there. It
		// is for a cluster, whose transactions have no more than one slot; elsewhere
		// setNewer takes less.
		newer: redis.NewScript(fmt.Sprintf(`
if redis.call('GETRANGE', KEYS[1], %[1]d, %[2]d) >= string.sub(ARGV[1], %[1]d + 1, %[2]d + 1) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`, schemas.OrderOffset, schemas.OrderOffset+schemas.OrderLength-1)),
		// raise moves a partition's mark on, unless it is behind what was
		// acknowledged before: then Redis lost something, and the mark stays so
		// that everybody can see it.
		raise: redis.NewScript(`
local mark = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if mark < ARGV[2] then return 0 end
if mark < ARGV[3] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1`),
		// turn replaces a field's value by the next, or says that it was lost.
		turn: redis.NewScript(`
local stands = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stands == ARGV[3] then return 1 end
if stands ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`),
		// finish moves marks on, given as pairs, if the field still has its value.
		finish: redis.NewScript(`
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
for i = 3, #ARGV, 2 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') < ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
return 1`),
		// draw gives the next epoch, above those drawn before and above one given.
		draw: redis.NewScript(`
local epoch = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])) + 1
redis.call('SET', KEYS[1], epoch)
return epoch`),
		// know remembers an epoch as drawn.
		know: redis.NewScript(`
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`),
		// view sets the catalogue's view unless that of a later version is there.
		view: redis.NewScript(`
local stands = redis.call('GET', KEYS[1])
if stands and cjson.decode(stands).version > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`),
	}
}

// run sends the commands that queue adds, in one round trip. Where Redis does
// not know the scripts, they are loaded and everything is sent again: every
// script may run twice.
func (s *scripts) run(ctx context.Context, rdb redis.UniversalClient, queue func(redis.Pipeliner)) ([]redis.Cmder, error) {
	cmds, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		queue(p)
		return nil
	})
	if err == nil || !anyUnknown(cmds) {
		return cmds, errors.Wrapf(err, "run %d commands in Redis", len(cmds))
	}
	for _, script := range []*redis.Script{s.newer, s.raise, s.turn, s.finish, s.view, s.draw} {
		if err := script.Load(ctx, rdb).Err(); err != nil {
			return nil, errors.Wrap(err, "load a script into Redis")
		}
	}
	cmds, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		queue(p)
		return nil
	})
	return cmds, errors.Wrapf(err, "run %d commands in Redis", len(cmds))
}

func anyUnknown(cmds []redis.Cmder) bool {
	for _, c := range cmds {
		if redis.HasErrorPrefix(c.Err(), "NOSCRIPT") {
			return true
		}
	}
	return false
}

// said reads a script's answer, 0 or 1.
func said(c redis.Cmder) bool {
	n, err := c.(*redis.Cmd).Int()
	return err == nil && n == 1
}
