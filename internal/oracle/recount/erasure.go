package recount

import (
	"github.com/badgestream/badgestream/schemas"
)

// Erasure is a record that erases users.
type Erasure struct {
	schemas.Erasure
	Cause schemas.Cause
	At    int64 // Unix microseconds
}

// HashBy says how users are named by records that erase them. Without it, none
// is ever erased.
func (r *Recount) HashBy(hash func(user string) schemas.UserHash) { r.hash = hash }

// Erasure is the last record of a partition that erases users.
func (r *Recount) Erasure(p Partition) Erasure { return r.erasures[p] }

// erasesUsers says whether an event erases users.
func (r *Recount) erasesUsers(rec *Record, ev *schemas.Event) bool {
	return ev.Type == schemas.EraseType && rec.Topic == r.group+".control"
}

// erase forgets users, and that anything of theirs will ever be due. The places
// that they drew stay taken.
func (r *Recount) erase(rec *Record, ev *schemas.Event) {
	said, _ := schemas.ParseErasure(ev.Data) // read has done so
	r.erasures[rec.Partition] = Erasure{Erasure: said, Cause: causeOf(rec, ev), At: ev.Time}
	if r.hash == nil {
		return
	}
	for _, u := range said.Users {
		r.erased[u] = struct{}{}
	}
	for name := range r.users {
		if r.gone(name) {
			delete(r.users, name)
		}
	}
	for name, a := range r.aging.users {
		if r.gone(name) {
			a.due = 0
			clear(a.since)
		}
	}
}

// gone says whether a user was erased: nothing counts for him.
func (r *Recount) gone(name string) bool {
	if len(r.erased) == 0 {
		return false
	}
	_, is := r.erased[r.hash(name)]
	return is
}
