package pipeline

import (
	"context"
	"time"
)

// pace says how much a generation beside the live one is folded at once, and
// how fast. Without a limit it takes all that it can get while nothing live is
// folded, and leaves most of the time and short locks to what is.
type pace struct {
	max  int  // records a second; 0 is no limit
	most int  // records of a transaction, or of a part of one
	busy bool // something live was folded lately
	// live is how many live records were folded when it was looked last, and moved
	// when that was seen to be more than before.
	live  int64
	moved time.Time
	// hurry says that somebody waits: nothing else counts.
	hurry bool
	next  time.Time

	records  int64 // in all
	from     int64 // of them, at the last report
	reported time.Time
}

const (
	// shyBatch is how many records a transaction folds while live ones are
	// folded, and shyRest how many times as long it rests as it took. Smaller ones
	// cost more for each record: with 500 and 5, 3,000 records/s are folded beside
	// 2,000 live ones, with these 7,800, and live badge events show as early
	// (bench --measure beside).
	shyBatch = 4_000
	shyRest  = 3
	// calm is how long nothing live is folded before it counts as idle. For a moment
	// live folding stands still for others too, above all for what is folded beside
	// it: that is no time to take all that one can get.
	calm = 2 * time.Second
	// reportEvery is how often somebody is told how fast it goes.
	reportEvery = time.Second
)

// look takes note of how many live records are folded.
func (p *pace) look(live int64, now time.Time) {
	if p.live > 0 && live > p.live {
		p.moved = now
	}
	p.live, p.busy = live, now.Sub(p.moved) < calm
}

// batch is how many records the next transaction takes at most.
func (p *pace) batch() int {
	switch {
	case p.hurry:
	case p.max > 0:
		return max(1, min(p.most, p.max/2))
	case p.busy:
		return shyBatch
	}
	return p.most
}

// patience is how long what is folded in bulk may wait to be committed: what is
// folded again after a crash, and what a status does not show yet. While live
// records are folded, no transaction is kept open.
func (p *pace) patience() time.Duration {
	switch {
	case p.hurry:
	case p.max > 0:
		return time.Second
	case p.busy:
		return 0
	}
	return bulkPatience
}

// cores is how many of Postgres's cores the indexes of a generation take that is
// built.
func (p *pace) cores() int {
	if !p.hurry && (p.max > 0 || p.busy) {
		return 1
	}
	return 2
}

// folded counts what a transaction folded in a time.
func (p *pace) folded(records int, took time.Duration) {
	p.records += int64(records)
	switch {
	case p.hurry:
	case p.max > 0:
		from := p.next
		if now := time.Now(); from.Before(now.Add(-took)) {
			from = now.Add(-took)
		}
		p.next = from.Add(time.Duration(float64(records) / float64(p.max) * float64(time.Second)))
	case p.busy:
		p.next = time.Now().Add(shyRest * took)
	}
}

// wait waits until the next transaction may begin.
func (p *pace) wait(ctx context.Context) {
	if d := time.Until(p.next); d > 0 && !p.hurry {
		wait(ctx, d)
	}
}

// report gives the rate since the last report, in records a second, once it is
// time for one.
func (p *pace) report(now time.Time) (rate float64, due bool) {
	if p.reported.IsZero() {
		p.reported = now
		return 0, false
	}
	since := now.Sub(p.reported)
	if since < reportEvery {
		return 0, false
	}
	rate = float64(p.records-p.from) / since.Seconds()
	p.reported, p.from = now, p.records
	return rate, true
}
