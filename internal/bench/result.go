package bench

import "time"

// Result is all that a benchmark found out. Times are in seconds, memory in
// bytes; what is nil could not be known. It is also the format of --json.
type Result struct {
	Version string    `json:"version"` // of badgestream
	Started time.Time `json:"started"`
	// Prefix begins the names of all that it made on the servers and removed.
	Prefix   string   `json:"prefix"`
	Machine  Machine  `json:"machine"`
	Servers  []Server `json:"servers"`
	Workload Workload `json:"workload"`
	// Settings are the engine's that were asked for.
	Settings Settings `json:"settings"`
	// Measures are those that were measured, in the order in which they ran.
	// The next three are the drain's.
	Measures []string `json:"measures"`
	// Turns are in the order in which they ran.
	Turns []Turn `json:"turns,omitempty"`
	// Medians has one entry per contender, the engine first.
	Medians []Median `json:"medians,omitempty"`
	// Ratio is how many times the plain consumer's median rate the engine's is.
	Ratio float64 `json:"ratio,omitempty"`
	// Figures and Curves are what the other measures found.
	Figures []Figure `json:"figures,omitempty"`
	Curves  []Curve  `json:"curves,omitempty"`
	// OtherCores is, by measure, how many cores were busy with anything else
	// meanwhile; the drain's stand in Medians.
	OtherCores map[string]float64 `json:"other_cores,omitempty"`
}

// Real says whether all servers are real ones: only then figures count.
func (r *Result) Real() bool {
	for _, s := range r.Servers {
		if !s.Real {
			return false
		}
	}
	return true
}

// Machine is where the benchmark ran.
type Machine struct {
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	Cores     int    `json:"cores"`
	Processor string `json:"processor,omitempty"`
	Memory    *int64 `json:"memory,omitempty"`
	Go        string `json:"go"`
}

// Server is one of the servers.
type Server struct {
	Role    string `json:"role"` // kafka, postgres or redis
	Name    string `json:"name"`
	Version string `json:"version"`
	Address string `json:"address"`
	// Origin says how it was found, or who started it.
	Origin string `json:"origin"`
	// Real is false of kfake and miniredis.
	Real bool `json:"real"`
	// PID is its process if that is on this machine and can be seen.
	PID int `json:"pid,omitempty"`
}

// Workload is what is folded. The same workload is the same events.
type Workload struct {
	Events int64   `json:"events"`
	Users  int     `json:"users"`
	Skew   float64 `json:"skew"`
	Seed   uint64  `json:"seed"`
	// Partitions of the activity topic.
	Partitions int `json:"partitions"`
	// PlainEvents is how many of them the plain consumer gets, spread evenly.
	PlainEvents int64 `json:"plain_events"`
	Rounds      int   `json:"rounds"`
	// Catalog is the engine's catalogue, by name or path. The events are
	// Starview's.
	Catalog string `json:"catalog"`
}

// Settings are the engine's: how many workers, and the most events of one
// transaction. 0 is its own choice.
type Settings struct {
	Workers int `json:"workers"`
	Batch   int `json:"batch"`
}

// Turn is one contender's turn in one round.
type Turn struct {
	Contender string `json:"contender"`
	Round     int    `json:"round"`
	Report
	Figures
}

// Report is what a contender says of itself when it is done: the last line of
// its standard output.
type Report struct {
	Events   int64 `json:"events"`
	Users    int64 `json:"users"`
	Awarded  int64 `json:"awarded"`
	Revoked  int64 `json:"revoked"`
	Rejected int64 `json:"rejected"`
	// Seconds is the time from the first poll to the last publication.
	Seconds float64 `json:"seconds"`
	// Batches are the times of batches, of the plain consumer those of polls.
	Batches *Spread `json:"batches,omitempty"`
}

// Spread sums up times in seconds.
type Spread struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	Max   float64 `json:"max"`
}

// Figures are what was measured of a contender.
type Figures struct {
	Rate float64 `json:"events_per_second"`
	// CPU is seconds of CPU per million events, by process: the contender's
	// name, and the servers' roles. Servers in one process share an entry. One
	// whose process cannot be seen has none.
	CPU map[string]float64 `json:"cpu_seconds_per_million"`
	// OtherCores is how many cores were busy with anything else meanwhile. With
	// much of it a rate is not to be trusted; the CPU figures still are.
	OtherCores *float64 `json:"other_cores,omitempty"`
	// PeakMemory is the most resident memory of the contender's process.
	PeakMemory *int64 `json:"peak_memory,omitempty"`
}

// Median is a contender's medians over the rounds, each figure's by itself.
type Median struct {
	Contender string `json:"contender"`
	Figures
	// RateMin and RateMax are the slowest and the fastest round.
	RateMin float64 `json:"events_per_second_min"`
	RateMax float64 `json:"events_per_second_max"`
	Batches *Spread `json:"batches,omitempty"`
}
