// Package mutants says whether the tests of the engine would notice if it were
// wrong. Each mutant is one mistake that an engineer could make, as an edit of
// the sources; a runner makes it in a copy of the tree, and wants tests to fail.
// It is for tests alone.
package mutants

import "slices"

// Mutant is a mistake in the engine.
type Mutant struct {
	// Name is short, and no other mutant's.
	Name string
	// Why says what somebody would do, and what for, or what comes of it.
	Why string
	// Edits make it; more than one where others stand behind it.
	Edits []Edit
	// Caught are the tests that should fail, the cheapest first: the next are
	// run only if it survives these.
	Caught []Stage
}

// Edit replaces a text of a file, in which it must stand exactly once.
type Edit struct {
	File     string // from the root of the module, with slashes
	Old, New string
}

// All are the mutants, in the order in which they are told of.
func All() []Mutant {
	return slices.Concat(ofOrder(), ofOffsets(), ofCommit(), ofRecovery(), ofRestore(), ofSnapshots(), ofDuplicates(),
		ofRules(), ofStates(), ofBadges(), ofLocks(), ofTicks(), ofRepair(), ofErasures(), ofBases(), ofShortcuts())
}

// Names are the names of the mutants.
func Names(list []Mutant) []string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}
