package main

import (
	"bufio"
	"io"
	"os"

	"github.com/cockroachdb/errors"
	"github.com/spf13/cobra"

	"github.com/badgestream/badgestream/internal/ndjson"
)

// openInput opens the file that a flag names; - is standard input.
func openInput(cmd *cobra.Command, flag, path string) (io.ReadCloser, error) {
	switch path {
	case "":
		return nil, usage(errors.Newf("--%s is missing: name a file, or - for standard input", flag))
	case "-":
		return io.NopCloser(ndjson.Until(cmd.Context(), cmd.InOrStdin())), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, errors.Wrapf(err, "reading --%s", flag)
	}
	return file, nil
}

// closeInput closes what was only read: nothing can be lost by it.
func closeInput(in io.Closer) { _ = in.Close() }

// createOutput makes a file; - is not special, and no name is nowhere. The
// second result ends it, and adds to the error what went wrong in writing.
func createOutput(path string) (io.Writer, func(*error), error) {
	if path == "" {
		return io.Discard, func(*error) {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, errors.Wrapf(err, "writing %s", path)
	}
	out := bufio.NewWriter(file)
	return out, func(err *error) {
		failed := errors.CombineErrors(out.Flush(), file.Close())
		*err = errors.CombineErrors(*err, errors.Wrapf(failed, "writing %s", path))
	}, nil
}
