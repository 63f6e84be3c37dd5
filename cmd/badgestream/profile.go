package main

import (
	"os"
	"runtime/pprof"

	"github.com/cockroachdb/errors"
)

// profileCPU writes a CPU profile to a file until the function that it returns
// is called; no name is none.
func profileCPU(path string) (func(*error), error) {
	if path == "" {
		return func(*error) {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, errors.Wrap(err, "writing --cpu-profile")
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.CombineErrors(errors.Wrapf(err, "profiling to %s", path), file.Close())
	}
	return func(err *error) {
		pprof.StopCPUProfile()
		*err = errors.CombineErrors(*err, errors.Wrapf(file.Close(), "writing %s", path))
	}, nil
}
