package pipeline

import "github.com/badgestream/badgestream/schemas"

// Diff is how the generation beside the live one differs from it, both folded
// up to the same offsets.
type Diff struct {
	// Identical says that all tables are, byte for byte, the history included.
	Identical bool  `json:"identical"`
	Live      int32 `json:"live"`   // the generation that readers see
	Beside    int32 `json:"beside"` // the one that was rebuilt
	// Offsets are what both have folded up to, by TOPIC/PARTITION.
	Offsets map[string]int64 `json:"offsets"`
	// Tables are the tables in brief, by name.
	Tables map[string]TableDiff `json:"tables"`
	// Badges are the badges in which users differ, by slug.
	Badges map[string]*BadgeDiff `json:"badges"`
	// Users is how many users have other counters, of those that both have, and
	// Counters in which; by name.
	Users    int64            `json:"users"`
	Counters map[string]int64 `json:"counters"`
	// UserSamples are some of these users.
	UserSamples []UserSample `json:"user_samples"`
	// Decisions that stand are without effect in the rebuilt generation, as its
	// catalogue has not the badge; DecisionSamples are some of them.
	Decisions       int64            `json:"decisions_without_effect"`
	DecisionSamples []DecisionSample `json:"decision_samples"`
}

// DecisionSample is a decision, and where it stands.
type DecisionSample struct {
	Verb   schemas.Verb `json:"verb"`
	User   string       `json:"user"`
	Badge  string       `json:"badge"`
	By     string       `json:"by"`
	Record string       `json:"record"` // TOPIC/PARTITION@OFFSET
}

// TableDiff is a table of both generations in brief.
type TableDiff struct {
	Identical bool   `json:"identical"`
	Live      string `json:"live"` // hash
	Beside    string `json:"beside"`
	LiveRows  int64  `json:"live_rows"`
	// BesideRows is how many rows the other one has.
	BesideRows int64 `json:"beside_rows"`
}

// BadgeDiff is how many users would gain or lose a badge by a switch, or keep it
// with another time.
type BadgeDiff struct {
	Gained  int64         `json:"gained"`
	Lost    int64         `json:"lost"`
	Changed int64         `json:"changed"`
	Samples []BadgeSample `json:"samples"`
}

// BadgeSample is one user who differs in a badge.
type BadgeSample struct {
	User   string    `json:"user"`
	Live   *Evidence `json:"live"` // nil: nothing is known of him
	Beside *Evidence `json:"beside"`
}

// Evidence is what one generation has on a badge of a user.
type Evidence struct {
	Held     bool   `json:"held"`
	EarnedAt string `json:"earned_at,omitempty"`
	// Counters are the criterion's, as they are now.
	Counters schemas.Numbers `json:"counters"`
	// Last is the last award or revocation in the generation's history.
	Last *schemas.Cause `json:"last,omitempty"`
}

// UserSample is one user whose counters differ, with those that do.
type UserSample struct {
	User   string          `json:"user"`
	Live   schemas.Numbers `json:"live"`
	Beside schemas.Numbers `json:"beside"`
}
