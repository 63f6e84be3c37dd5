package snapshots

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/redis/go-redis/v9"
)

// ask gets snapshots, and the view if wanted, in one round trip. What is not
// there is empty.
func (r *Reader) ask(ctx context.Context, users []string, wantView bool) (texts [][]byte, view []byte, err error) {
	keys := make([]string, len(users), len(users)+1)
	for i, user := range users {
		keys[i] = Key(r.group, user)
	}
	if wantView {
		keys = append(keys, CatalogKey(r.group))
	}
	texts, err = r.get(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	if wantView {
		view = texts[len(users)]
	}
	return texts[:len(users)], view, nil
}

// get reads keys in one round trip: one by a plain GET, as a pipeline of one
// takes a fifth longer; several by MGET, unless they may be on different
// servers.
func (r *Reader) get(ctx context.Context, keys []string) (texts [][]byte, err error) {
	texts = make([][]byte, len(keys))
	_, cluster := r.rdb.(*redis.ClusterClient)
	switch {
	case len(keys) == 0:
		return texts, nil
	case len(keys) == 1:
		texts[0], err = r.getOne(ctx, keys[0])
		return texts, err
	case cluster:
		return texts, r.getEach(ctx, keys, texts)
	}
	values, err := r.rdb.MGet(ctx, keys...).Result()
	for i, v := range values {
		s, _ := v.(string)
		texts[i] = []byte(s)
	}
	return texts, err
}

// getOne reads a key; of one that is not there, nothing.
func (r *Reader) getOne(ctx context.Context, key string) ([]byte, error) {
	text, err := r.rdb.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return text, err
}

// getEach reads keys of a cluster, from all servers at once.
func (r *Reader) getEach(ctx context.Context, keys []string, texts [][]byte) error {
	cmds, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Get(ctx, key)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	for i, c := range cmds {
		if texts[i], err = c.(*redis.StringCmd).Bytes(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}
