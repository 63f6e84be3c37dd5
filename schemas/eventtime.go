package schemas

// CheckTime says whether the event can be placed in time, in a record with
// that timestamp: Unix milliseconds as Kafka has it, which may be any number.
// An event that nobody folds, as the catalogue has not its type, needs no time:
// then folded is false. The error is a *Reject.
//
// Ticks only ever raise the clock, so that one from the far future would hold
// for good. Kafka itself refuses timestamps far ahead of its clock
// (message.timestamp.after.max.ms), so two clocks must be wrong.
func (ev *Event) CheckTime(timestamp int64, folded bool) error {
	switch {
	case folded && !ev.HasTime && (timestamp < MinTime/1000 || timestamp > MaxTime/1000):
		return reject(ReasonAttribute, "the event has no time, and its record's timestamp is no time of the years 0 to 9999")
	case ev.HasTime && ev.Type == TickType && ev.Time/1000-min(max(timestamp, MinTime/1000), MaxTime/1000) > MaxTickLead/1000:
		return reject(ReasonAttribute, "the tick's time is more than a day later than its record's timestamp: a clock that is raised never goes back")
	}
	return nil
}

// TimeIn is the event's time in Unix microseconds: that of its record, with
// that timestamp in Unix milliseconds, if it has none itself.
func (ev *Event) TimeIn(timestamp int64) int64 {
	if ev.HasTime {
		return ev.Time
	}
	return timestamp * 1000
}
