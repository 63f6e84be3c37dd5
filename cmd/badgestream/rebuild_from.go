package main

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"

	"github.com/badgestream/badgestream/internal/pipeline"
	"github.com/badgestream/badgestream/projections"
)

// parseFrom reads --from: beginning, base, base:N, or offsets as
// TOPIC/PARTITION=OFFSET, separated by commas.
func parseFrom(text string) (from pipeline.From, err error) {
	number, numbered := strings.CutPrefix(text, "base:")
	switch {
	case text == "" || text == "beginning":
		return from, nil
	case text == "base":
		from.Base = true
		return from, nil
	case numbered:
		from.Base = true
		from.Number, err = baseNumber(number)
		return from, err
	}
	from.Offsets = map[projections.TopicPartition]int64{}
	for part := range strings.SplitSeq(text, ",") {
		at, offset, ok := parseOffset(strings.TrimSpace(part))
		if _, twice := from.Offsets[at]; !ok || twice {
			return from, usage(errors.Newf("--from %q is none of beginning, base, base:NUMBER, and offsets such as activity/0=1200,activity/1=900, each partition once", text))
		}
		from.Offsets[at] = offset
	}
	return from, nil
}

func parseOffset(text string) (at projections.TopicPartition, offset int64, ok bool) {
	name, number, ok := strings.Cut(text, "=")
	slash := strings.LastIndexByte(name, '/')
	if !ok || slash < 1 {
		return at, 0, false
	}
	partition, err := strconv.ParseUint(name[slash+1:], 10, 31)
	if err != nil {
		return at, 0, false
	}
	offset, err = strconv.ParseInt(number, 10, 64)
	return projections.TopicPartition{Topic: name[:slash], Partition: int32(partition)}, offset, err == nil && offset >= 0
}

func baseNumber(text string) (int32, error) {
	number, err := strconv.ParseUint(text, 10, 31)
	if err != nil || number == 0 {
		return 0, usage(errors.Newf("%q is no number of a base: `badgestream rebuild base list` shows them", text))
	}
	return int32(number), nil
}
