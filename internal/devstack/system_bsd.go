//go:build unix && !linux

package devstack

import (
	"syscall"

	"github.com/cockroachdb/errors"
)

// dieWithUs does nothing: only Linux can tie a child to its parent's life.
func dieWithUs(*syscall.SysProcAttr, syscall.Signal) {}

// runsIn cannot tell, so a living process counts.
func runsIn(int, string) bool { return true }

// childrenOf cannot tell.
func childrenOf(int) ([]int, error) {
	return nil, errors.New("the children of a process can be listed on Linux alone")
}
