package wire

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/errors"
)

// redis reads RESP, version 2 or 3.
type redis struct {
	mu sync.Mutex
	// asked are the commands that are not answered. Redis answers in order.
	asked []string
}

func (r *redis) request(in *bufio.Reader) ([]byte, string, error) {
	var words []string
	frame, err := resp(in, nil, &words)
	if err != nil {
		return nil, "", err
	}
	message := commandName(words)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, message)
	return frame, message, nil
}

func (r *redis) reply(in *bufio.Reader) ([]byte, string, error) {
	frame, err := resp(in, nil, nil)
	if err != nil {
		return nil, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if frame[0] == '>' || len(r.asked) == 0 { // a push answers nothing
		return frame, "", nil
	}
	message := r.asked[0]
	r.asked = r.asked[1:]
	return frame, message, nil
}

// resp reads one value with all that it holds, and appends it to dst. Strings
// are added to words, if it is not nil.
func resp(in *bufio.Reader, dst []byte, words *[]string) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errors.Newf("a line of RESP that is %q", line)
	}
	dst = append(dst, line...)
	if strings.IndexByte("$!=*~>%|", line[0]) < 0 {
		return dst, nil
	}
	count, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil {
		return nil, errors.Wrapf(err, "a line of RESP that is %q", line)
	}
	switch line[0] {
	case '$', '!', '=':
		if count < 0 {
			return dst, nil
		}
		at := len(dst)
		dst = append(dst, make([]byte, count+2)...)
		if _, err := io.ReadFull(in, dst[at:]); err != nil {
			return nil, err
		}
		if words != nil {
			*words = append(*words, string(dst[at:at+count]))
		}
		return dst, nil
	case '%':
		count *= 2
	case '|':
		count = 2*count + 1 // attributes, and what they belong to
	}
	for range count {
		if dst, err = resp(in, dst, words); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// commandName is the command and, if it has a key, what kind of key: what
// stands between its first two colons.
func commandName(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := strings.ToUpper(words[0])
	at := 1
	if name == "EVALSHA" || name == "EVAL" {
		at = 3 // the script and the number of keys come first
	}
	if at >= len(words) {
		return name
	}
	if parts := strings.SplitN(words[at], ":", 3); len(parts) > 1 {
		return name + " " + parts[1]
	}
	return name
}
