package projections

import (
	"github.com/badgestream/badgestream/processor"
	"github.com/badgestream/badgestream/projections/pgbatch"
)

func (b *BulkFolder) copyUsers() error {
	list := b.users.fresh
	sortUsers(list)
	width := len(b.catalogue().Counters)
	var counters []int64
	var held []processor.Held
	var badges, times pgbatch.Column
	err := inParts(list, func(part []*bulkUser) error {
		rows := b.write.rows(5 + width)
		for _, u := range part {
			rows.Row()
			rows.AddText(u.id())
			rows.AddInt8(u.version)
			if u.due == 0 {
				rows.Null()
			} else {
				rows.AddTime(u.due)
			}
			if held = u.held(held[:0]); len(held) == 0 {
				rows.Null()
				rows.Null()
			} else {
				badges.Start(pgbatch.Int2)
				times.Start(pgbatch.TimestampTZ)
				addBadges(&badges, &times, held)
				rows.AddArray(&badges)
				rows.AddArray(&times)
			}
			counters = u.counters(counters[:0], width)
			for _, v := range counters {
				rows.AddInt8(v)
			}
			u.storedRow = storedRow{stored: true}
		}
		return b.write.copy(b.stmts.newUsers, rows)
	})
	clear(list)
	b.users.fresh = list[:0]
	return err
}

func (b *BulkFolder) setUsers() error {
	list := b.users.dirty
	sortUsers(list)
	width := len(b.catalogue().Counters)
	var counters []int64
	var held []processor.Held
	err := inParts(list, func(part []*bulkUser) error {
		cols := make([]pgbatch.Column, 5+width+2)
		start(cols[:5], pgbatch.Text, pgbatch.Int8, pgbatch.TimestampTZ, pgbatch.Int4, pgbatch.Int4)
		for c := range width {
			cols[5+c].Start(pgbatch.Int8)
		}
		badges, times := &cols[5+width], &cols[6+width]
		badges.Start(pgbatch.Int2)
		times.Start(pgbatch.TimestampTZ)
		for _, u := range part {
			cols[0].AddText(u.id())
			cols[1].AddInt8(u.version)
			if u.due == 0 {
				cols[2].Null()
			} else {
				cols[2].AddTime(u.due)
			}
			cols[3].AddInt4(int32(badges.Len() + 1))
			held = u.held(held[:0])
			addBadges(badges, times, held)
			cols[4].AddInt4(int32(badges.Len()))
			counters = u.counters(counters[:0], width)
			for c, v := range counters {
				cols[5+c].AddInt8(v)
			}
			u.dirty = false
		}
		return b.write.run(b.stmts.users, params(cols)...)
	})
	clear(list)
	b.users.dirty = list[:0]
	return err
}

func addBadges(badges, times *pgbatch.Column, held []processor.Held) {
	for _, h := range held {
		badges.AddInt2(h.Badge)
		times.AddTime(h.At)
	}
}
