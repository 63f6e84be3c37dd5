package recount

import (
	"math"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/catalog"
	"github.com/badgestream/badgestream/schemas"
)

// Judge says why a record is no valid event by these rules, nil if it is one or
// of a type that they have not. It counts nothing.
func (r *Recount) Judge(rec *Record) *schemas.Reject {
	_, _, _, why := r.read(rec)
	return why
}

// read reads an event with its fields. Of a type that the catalogue has not, of
// a switch, of a decision and of an erasure, there is no definition.
func (r *Recount) read(rec *Record) (*schemas.Event, *catalog.EventType, []schemas.Value, *schemas.Reject) {
	var ev schemas.Event
	if err := schemas.Decode(rec.Headers, rec.Value, &ev); err != nil {
		return nil, nil, nil, asReject(err)
	}
	i, known := r.cat.Types[ev.Type]
	asks := r.asks(rec, &ev)
	decides := r.decides(rec, &ev)
	erases := r.erasesUsers(rec, &ev)
	if !known && !asks && !decides && !erases {
		return &ev, nil, nil, nil
	}
	if !ev.HasTime {
		if rec.Timestamp < schemas.MinTime/1000 || rec.Timestamp > schemas.MaxTime/1000 {
			return nil, nil, nil, &schemas.Reject{Reason: schemas.ReasonAttribute, Detail: "the event has no time, and its record's timestamp is no time of the years 0 to 9999"}
		}
		ev.Time = rec.Timestamp * 1000
	}
	if asks {
		if _, err := schemas.ParseSwitch(ev.Data); err != nil {
			return nil, nil, nil, asReject(err)
		}
		return &ev, nil, nil, nil
	}
	if erases {
		if _, err := schemas.ParseErasure(ev.Data); err != nil {
			return nil, nil, nil, asReject(err)
		}
		return &ev, nil, nil, nil
	}
	if decides && r.gone(ev.Subject) {
		return &ev, nil, nil, nil
	}
	if decides {
		if why := r.decidable(&ev); why != nil {
			return nil, nil, nil, why
		}
		return &ev, nil, nil, nil
	}
	if ev.Type == schemas.TickType && early(ev.Time, rec.Timestamp) {
		return nil, nil, nil, &schemas.Reject{Reason: schemas.ReasonAttribute, Detail: "the tick's time is more than a day later than its record's timestamp: a clock that is raised never goes back"}
	}
	def := &r.cat.Events[i]
	values := make([]schemas.Value, len(def.Shape.Fields))
	if err := def.Shape.Decode(&ev, values); err != nil {
		return nil, nil, nil, asReject(err)
	}
	return &ev, def, values, nil
}

// asks says whether an event is an operator's wish.
func (r *Recount) asks(rec *Record, ev *schemas.Event) bool {
	return ev.Type == schemas.SwitchType && rec.Topic == r.group+".control"
}

// early reports whether a tick's time, in microseconds, lies more than a day
// after its record's timestamp, in milliseconds, if it has one.
func early(at, timestamp int64) bool {
	return timestamp > math.MinInt64 && timestamp < schemas.MaxTime/1000 && at/1000 > max(timestamp, schemas.MinTime/1000)+24*60*60*1000
}

func asReject(err error) *schemas.Reject {
	var r *schemas.Reject
	if errors.As(err, &r) {
		return r
	}
	return &schemas.Reject{Reason: schemas.ReasonMalformed, Detail: err.Error()}
}

// refuse remembers a record that was rejected.
func (r *Recount) refuse(rec *Record) {
	if r.refused[rec.Partition] == nil {
		r.refused[rec.Partition] = map[int64]struct{}{}
	}
	r.refused[rec.Partition][rec.Offset] = struct{}{}
}

// repeats says whether a record was appended again for one that was not
// rejected here: that one counts, where it stands.
func (r *Recount) repeats(rec *Record) bool {
	original, is := schemas.Redriven(rec.Headers, rec.Topic, rec.Partition.Partition, rec.Offset)
	_, refused := r.refused[rec.Partition][original]
	return is && !refused
}
