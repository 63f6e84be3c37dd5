package schemas

import (
	"strconv"
	"strings"
)

// The headers that a redriven record has after its own: which rejected record
// it is, as TOPIC/PARTITION@OFFSET, and who had it appended to the log again.
const (
	RedrivenHeader   = "badgestream-redriven"
	RedrivenByHeader = "badgestream-redriven-by"
)

// Redriven says for which record a redriven one stands, by the headers of that
// at an offset of a partition: always an earlier one of the same partition. A
// header that names any other means nothing.
func Redriven[H ~struct {
	Key   string
	Value []byte
}](headers []H, topic string, partition int32, offset int64) (original int64, ok bool) {
	for i := range headers {
		h := Header(headers[i])
		if h.Key != RedrivenHeader {
			continue
		}
		if original, ok = ownPlace(string(h.Value), topic, partition); !ok || original >= offset {
			return 0, false
		}
	}
	return original, ok
}

// ownPlace reads TOPIC/PARTITION@OFFSET, if it is of that partition.
func ownPlace(text, topic string, partition int32) (offset int64, ok bool) {
	rest, ok := strings.CutPrefix(text, topic+"/"+strconv.Itoa(int(partition))+"@")
	if !ok {
		return 0, false
	}
	offset, err := strconv.ParseInt(rest, 10, 64)
	return offset, err == nil && offset >= 0
}
