package mutants

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"
)

// Result is what became of a mutant.
type Result struct {
	Mutant *Mutant
	// Test failed at it, and Said is its first complaint.
	Test, Said string
	// Took is the time from the edit to the failure.
	Took time.Duration
	// Err is set if the mutant was not caught.
	Err error
}

// Runner runs mutants in copies of the tree, one for each that runs at the same
// time.
type Runner struct {
	// Trees are the copies. They are as they were when a run has ended.
	Trees []string
	// Limit is how long the tests of one mutant, or a stage of the tests as they
	// are, may take.
	Limit time.Duration
	// Log is told what is run.
	Log func(string)
}

// Baseline runs the tests without any mutant: what fails by itself catches
// nothing.
func (r *Runner) Baseline(ctx context.Context, list []Mutant) error {
	for _, s := range together(list) {
		r.Log("without a mutant: " + s.String())
		output, ended, err := r.run(ctx, r.Trees[0], s, r.Limit)
		if err != nil {
			return err
		}
		if v := judge(s, output, ended); !ended || v.untouched {
			return errors.Newf("without any mutant, %s does not pass: it would catch whatever there is\n%s", s, tail(output))
		}
	}
	return nil
}

// Run runs the mutants, and tells of each as it comes. The error is not about
// mutants.
func (r *Runner) Run(ctx context.Context, list []Mutant, tell func(Result)) error {
	trees := make(chan string, len(r.Trees))
	for _, dir := range r.Trees {
		trees <- dir
	}
	results := make(chan Result)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(len(r.Trees) + 1)
	group.Go(func() error {
		for range list {
			select {
			case one := <-results:
				tell(one)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i := range list {
		group.Go(func() error {
			dir := <-trees
			defer func() { trees <- dir }()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			one, err := r.one(ctx, dir, &list[i])
			if err != nil {
				return err
			}
			select {
			case results <- one:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}
	return group.Wait()
}

// one makes a mutant and runs its stages until one fails.
func (r *Runner) one(ctx context.Context, dir string, m *Mutant) (result Result, err error) {
	result.Mutant = m
	restore, stale := mutate(dir, m)
	if restore == nil {
		result.Err = stale
		return result, nil
	}
	defer func() { err = errors.CombineErrors(err, restore()) }()
	if stale != nil {
		return result, stale
	}
	began := time.Now()
	for _, s := range m.Caught {
		left := r.Limit - time.Since(began)
		if left < time.Second {
			break
		}
		output, ended, err := r.run(ctx, dir, s, left.Truncate(time.Second))
		if err != nil {
			return result, err
		}
		result.Took = time.Since(began)
		switch v := judge(s, output, ended); {
		case v.unbuilt:
			result.Err = errors.Newf("mutant %s does not compile\n%s", m.Name, tail(output))
			return result, nil
		case v.ranOut:
			result.Err = errors.Newf("mutant %s: %s did not end within %v, which proves nothing\n%s", m.Name, s, left.Round(time.Second), tail(output))
			return result, nil
		case !ended:
			result.Test, result.Said = v.failed, v.said
			return result, nil
		}
	}
	result.Err = survived(m)
	return result, nil
}

func survived(m *Mutant) error {
	var stages []string
	for _, s := range m.Caught {
		stages = append(stages, s.String())
	}
	return errors.Newf("mutant %s survived: the engine had this mistake, and no test failed: %s\nAll of these passed: %s\nWrite a test that fails, or tell by a fact why it cannot matter", m.Name, m.Why, strings.Join(stages, "; "))
}

// run runs a stage in a tree. The error says that it could not be run.
func (r *Runner) run(ctx context.Context, dir string, s Stage, limit time.Duration) (output string, ended bool, err error) {
	command := s.command(limit)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	// Where a tree lies does not matter to what is compiled: copies share it.
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"),
		// Many a mistake shows by what never comes.
		"BADGESTREAM_TEST_PATIENCE=100s")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", false, errors.Wrapf(ctx.Err(), "run %s", s)
	}
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		return "", false, errors.Wrapf(err, "run %s", s)
	}
	return string(out), err == nil, nil
}

// tail is the end of an output.
func tail(output string) string {
	const most = 4000
	return strings.TrimSpace(output[max(0, len(output)-most):])
}
