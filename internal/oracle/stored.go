package oracle

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/internal/oracle/recount"
	"github.com/badgestream/badgestream/schemas"
)

// stored is what Postgres says of the group as a whole.
type stored struct {
	group      string
	epoch      int64
	turn       int64 // how many switches there were
	generation int32
	version    int64 // of the catalogue that holds
	secret     [16]byte
	catalogs   map[int64]*catalog.Catalog // every version
	slugs      map[int16]string           // badges by the numbers in users' rows
	// erased are users who were erased, and erasedKeys they by their keys.
	erased     map[schemas.UserHash]*erasure
	erasedKeys map[int64]*erasure
}

// queryer is a connection or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (s *stored) base() string { return pgx.Identifier{s.group}.Sanitize() }

func (s *stored) generationSchema() string { return s.group + "_g" + strconv.Itoa(int(s.generation)) }

func (s *stored) gen() string { return pgx.Identifier{s.generationSchema()}.Sanitize() }

func readStored(ctx context.Context, q queryer, group string) (stored, error) {
	s := stored{group: group, catalogs: map[int64]*catalog.Catalog{}, slugs: map[int16]string{}}
	if err := q.QueryRow(ctx, `SELECT epoch, generation, catalog_version, turn, secret FROM `+s.base()+`.regime`).
		Scan(&s.epoch, &s.generation, &s.version, &s.turn, &s.secret); err != nil {
		return s, errors.Wrapf(err, "read the regime of group %s: was it ever folded in this database?", group)
	}
	rows, err := q.Query(ctx, `SELECT version, name, text FROM `+s.base()+`.catalog`)
	if err != nil {
		return s, errors.Wrap(err, "read the catalogues")
	}
	var version int64
	var name, text string
	if _, err := pgx.ForEachRow(rows, []any{&version, &name, &text}, func() error {
		s.catalogs[version], err = catalog.Parse(fmt.Sprintf("%s (version %d)", name, version), []byte(text))
		return err
	}); err != nil {
		return s, errors.Wrap(err, "read the catalogues")
	}
	if s.catalogs[s.version] == nil {
		return s, errors.Newf("version %d of the catalogue holds, and is not stored", s.version)
	}
	rows, err = q.Query(ctx, `SELECT id, slug FROM `+s.base()+`.badge`)
	if err != nil {
		return s, errors.Wrap(err, "read the badges")
	}
	var id int16
	var slug string
	if _, err = pgx.ForEachRow(rows, []any{&id, &slug}, func() error { s.slugs[id] = slug; return nil }); err != nil {
		return s, errors.Wrap(err, "read the badges")
	}
	s.erased, err = s.readErasures(ctx, q)
	s.erasedKeys = byKey(s.erased)
	return s, err
}

// position is a place in a partition: within a tick the offset stands still,
// and steps and ordinals count on.
type position struct{ Offset, Step, Ordinal int64 }

func (p position) String() string {
	if p.Step == 0 && p.Ordinal == 0 {
		return strconv.FormatInt(p.Offset, 10)
	}
	return fmt.Sprintf("%d.%d", p.Offset, p.Step)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.Offset, q.Offset), cmp.Compare(p.Step, q.Step))
}

// after says whether the position comes after a badge event.
func (p position) after(offset, ordinal int64) bool {
	return offset < p.Offset || offset == p.Offset && ordinal < p.Ordinal
}

// foldOffsets are P of all partitions.
func (s *stored) foldOffsets(ctx context.Context, q queryer) (map[recount.Partition]position, error) {
	rows, err := q.Query(ctx, `SELECT topic, partition, next, step, ordinal FROM `+s.base()+`.fold_offset`)
	if err != nil {
		return nil, errors.Wrap(err, "read the fold offsets")
	}
	all := map[recount.Partition]position{}
	var p recount.Partition
	var at position
	_, err = pgx.ForEachRow(rows, []any{&p.Topic, &p.Partition, &at.Offset, &at.Step, &at.Ordinal}, func() error { all[p] = at; return nil })
	return all, errors.Wrap(err, "read the fold offsets")
}
