package schemas

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// badgeData is the data of a badge event as it is read.
type badgeData struct {
	Badge          *string     `json:"badge"`
	Tier           int         `json:"tier"`
	Category       string      `json:"category"`
	Criterion      string      `json:"criterion"`
	EarnedAt       *jsonTime   `json:"earned_at"`
	Counters       Numbers     `json:"counters"`
	Cause          *Cause      `json:"cause"`
	Ordinal        int64       `json:"ordinal"`
	CatalogVersion int64       `json:"catalog_version"`
	UserVersion    int64       `json:"user_version"`
	Reason         BadgeReason `json:"reason"`
}

// DecodeBadgeEvent reads a record of the award topic, or, without headers, a
// line of structured badge events. Members that it does not know are passed
// over, so that later versions can add some. The error is always a *Reject;
// the event then means nothing. It does not alias headers or value.
func DecodeBadgeEvent[H ~struct {
	Key   string
	Value []byte
}](headers []H, value []byte, e *BadgeEvent) error {
	var ev Event
	if err := Decode(headers, value, &ev); err != nil {
		return err
	}
	return e.read(&ev)
}

func (e *BadgeEvent) read(ev *Event) error {
	if ev.Type != AwardedType && ev.Type != RevokedType {
		return reject(ReasonAttribute, "type is %s; a badge event's is %s or %s", quoted(ev.Type), AwardedType, RevokedType)
	}
	group, ok := strings.CutPrefix(ev.Source, badgeSource)
	if !ok {
		return reject(ReasonAttribute, "source is %s; a badge event's begins with %s", quoted(ev.Source), badgeSource)
	}
	if !ev.HasTime {
		return reject(ReasonAttribute, "time is missing; a badge event has one")
	}
	shape := Shape{Type: ev.Type}
	if err := shape.Decode(ev, nil); err != nil {
		return err
	}
	var data badgeData
	if err := json.Unmarshal(ev.Data, &data); err != nil {
		return reject(ReasonData, "data does not fit badge-event.schema.json: %s", oneLine(err.Error()))
	}
	if data.Badge == nil || data.EarnedAt == nil || data.Cause == nil {
		return reject(ReasonData, "data lacks badge, earned_at or cause, which a badge event has")
	}
	*e = BadgeEvent{
		Revoked: ev.Type == RevokedType, Group: strings.Clone(group), User: strings.Clone(ev.Subject), Time: ev.Time,
		Badge: *data.Badge, Tier: data.Tier, Category: data.Category, Criterion: data.Criterion,
		EarnedAt: int64(*data.EarnedAt), Counters: data.Counters, Cause: *data.Cause, Ordinal: data.Ordinal,
		CatalogVersion: data.CatalogVersion, UserVersion: data.UserVersion, Reason: data.Reason,
	}
	if ev.ID != e.ID() {
		return reject(ReasonAttribute, "id is %s; of this user, badge and cause it would be %s", quoted(ev.ID), e.ID())
	}
	return nil
}
