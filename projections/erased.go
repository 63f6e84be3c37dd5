package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/schemas"
)

// Erased are users who were erased: nothing counts for them any more. It is
// for one goroutine to change, and for others to read as long as nobody does.
type Erased struct {
	secret Secret
	hashes map[schemas.UserHash]struct{}
}

// NewErased knows of nobody yet.
func NewErased(secret Secret) *Erased {
	return &Erased{secret: secret, hashes: map[schemas.UserHash]struct{}{}}
}

// Add adds users.
func (e *Erased) Add(users ...schemas.UserHash) {
	for _, u := range users {
		e.hashes[u] = struct{}{}
	}
}

// Has is what a batch asks, nil for nobody.
func (e *Erased) Has() func(user string) bool {
	if e == nil {
		return nil
	}
	return func(user string) bool {
		if len(e.hashes) == 0 {
			return false
		}
		_, is := e.hashes[schemas.HashUser(e.secret, user)]
		return is
	}
}

// Erases reports whether a user was erased.
func (in *Installed) Erases(user string) bool {
	has := in.Erased.Has()
	return has != nil && has(user)
}

// ErasesKey reports whether a user was erased, by the key of his rows.
func (in *Installed) ErasesKey(userKey int64) bool {
	if in.Erased == nil {
		return false
	}
	for h := range in.Erased.hashes {
		if userKeyOf(h) == userKey {
			return true
		}
	}
	return false
}

// Count is how many users were erased.
func (e *Erased) Count() int64 {
	if e == nil {
		return 0
	}
	return int64(len(e.hashes))
}

// ErrErased says that there is nothing to say of a user.
var ErrErased = errors.New("this user was erased: nothing is kept of him, and nothing counts for him any more")

// Erased are those whom the live generation passes over.
func (s *Store) Erased(ctx context.Context, secret Secret) (*Erased, error) {
	return s.erased(ctx, secret, ``)
}

// readErased adds who was erased to what is folded by. Somebody may be erased
// between the reading of the regime and this: who folds by it is told then that
// another regime holds.
func (s *Store) readErased(ctx context.Context, in *Installed) (err error) {
	if in.Erasures > 0 {
		in.Erased, err = s.Erased(ctx, in.Secret)
	}
	return err
}

// ErasedBeside are those whom a generation passes over that is folded beside
// the live one, from where it stands on.
func (s *Store) ErasedBeside(ctx context.Context, secret Secret, generation int32) (*Erased, error) {
	return s.erased(ctx, secret, ` JOIN `+schema(s.group)+`.generation_offset o ON (o.topic, o.partition) = (e.topic, e.partition) AND o.generation = $1 AND o.next > e."offset"`, generation)
}

func (s *Store) erased(ctx context.Context, secret Secret, where string, args ...any) (*Erased, error) {
	list, err := s.erasedHashes(ctx, where, args...)
	e := NewErased(secret)
	e.Add(list...)
	return e, err
}

// erasedHashes are the hashes of those erased users for whom the rest of the query
// holds, which may name the table e.
func (s *Store) erasedHashes(ctx context.Context, where string, args ...any) ([]schemas.UserHash, error) {
	rows, err := s.pool.Query(ctx, `SELECT user_hash FROM `+schema(s.group)+`.erasure e`+where, args...)
	if err != nil {
		return nil, errors.Wrap(err, "read who was erased")
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h schemas.UserHash, err error) {
		var bytes []byte
		err = row.Scan(&bytes)
		copy(h[:], bytes)
		return h, err
	})
	return list, errors.Wrap(err, "read who was erased")
}

// Erasure is what became of a user's erasure.
type Erasure struct {
	Place
	By, Reason string
	At         time.Time
	// Done is when nothing of the user was left; nil before that.
	Done *time.Time
	// Removed counts what was there, by what it was.
	Removed map[string]int64
}

// ErasureOf is a user's erasure, nil if nobody erased him. Migrate must have
// run.
func (s *Store) ErasureOf(ctx context.Context, user schemas.UserHash) (*Erasure, error) {
	var e Erasure
	err := s.pool.QueryRow(ctx, `SELECT topic, partition, "offset", by, reason, at, done_at, removed FROM `+schema(s.group)+`.erasure WHERE user_hash = $1`, user[:]).
		Scan(&e.Topic, &e.Partition, &e.Offset, &e.By, &e.Reason, &e.At, &e.Done, &e.Removed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &e, errors.Wrap(err, "read an erasure")
}
