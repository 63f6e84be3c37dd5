package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"sync"

	"github.com/cockroachdb/errors"
)

// What the first frame of a connection asks for, where it is no startup.
const (
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssRequest    = 80877104
)

// maxFrame bounds a frame, so that a stranger on the port is noticed.
const maxFrame = 1 << 30

// postgres reads the frontend and backend protocol, version 3.
type postgres struct {
	started bool // the startup has passed; only requests look

	mu         sync.Mutex
	statements map[string]string // what prepared statements do, by name
	// exchanges are what was sent up to a Sync each, and is not answered up to
	// its ReadyForQuery. The last one is open: its Sync has not been sent yet.
	exchanges []exchange
	open      bool
	ready     bool // the server's first ReadyForQuery, which answers no Sync, has passed
}

type exchange struct {
	message  string
	answered bool
}

func (p *postgres) request(in *bufio.Reader) ([]byte, string, error) {
	if !p.started {
		frame, err := p.startup(in)
		return frame, "", err
	}
	frame, err := pgFrame(in)
	if err != nil {
		return nil, "", err
	}
	return frame, p.sent(frame), nil
}

// startup reads the first frame, which has no type. Encryption, which we could
// not read, is asked for before it, and is left out: the client asks a proxy
// for none.
func (p *postgres) startup(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size, code := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	if code == sslRequest || code == gssRequest {
		return nil, errors.New("the client asks for encryption: set sslmode=disable")
	}
	if size < 8 || size > maxFrame {
		return nil, errors.Newf("a startup of %d bytes", size)
	}
	frame := make([]byte, size)
	copy(frame, head)
	p.started = true
	_, err := io.ReadFull(in, frame[8:])
	return frame, err
}

// sent takes note of a frame of the client's, and names the statement that it
// runs.
func (p *postgres) sent(frame []byte) (message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body := frame[5:]
	if strings.IndexByte("PBEDCHSQF", frame[0]) < 0 {
		return "" // a password, rows of a COPY, the end
	}
	if !p.open {
		p.exchanges, p.open = append(p.exchanges, exchange{}), true
	}
	now := &p.exchanges[len(p.exchanges)-1]
	switch frame[0] {
	case 'P':
		name, rest, _ := bytes.Cut(body, []byte{0})
		sql, _, _ := bytes.Cut(rest, []byte{0})
		p.statements[string(name)] = statementName(string(sql))
	case 'B':
		_, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		message = p.statements[string(name)]
		now.message = message
	case 'Q':
		sql, _, _ := bytes.Cut(body, []byte{0})
		message = statementName(string(sql))
		now.message = message
		p.open = false
	case 'S', 'F':
		p.open = false
	}
	return message
}

func (p *postgres) reply(in *bufio.Reader) ([]byte, string, error) {
	frame, err := pgFrame(in)
	if err != nil {
		return nil, "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch frame[0] {
	case 'Z':
		if !p.ready {
			p.ready = true
		} else if len(p.exchanges) > 0 {
			p.exchanges = p.exchanges[1:]
		}
	case 'C', 'E', 'I': // CommandComplete comes after a COMMIT has taken effect
		if len(p.exchanges) > 0 && !p.exchanges[0].answered && p.exchanges[0].message != "" {
			p.exchanges[0].answered = true
			return frame, p.exchanges[0].message, nil
		}
	}
	return frame, "", nil
}

// pgFrame reads a frame with a type.
func pgFrame(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > maxFrame {
		return nil, errors.Newf("a frame of %d bytes", size)
	}
	frame := make([]byte, 1+size)
	copy(frame, head)
	_, err := io.ReadFull(in, frame[5:])
	return frame, err
}

// statementName says in two words what a statement does: its verb, and the
// table or the function, without schemas and quotes.
func statementName(sql string) string {
	words := strings.Fields(sql)
	if len(words) == 0 {
		return ""
	}
	if words[0] == "--" {
		return strings.Join(words, " ") // a comment alone, as pgx sends for a ping
	}
	verb := strings.ToUpper(strings.TrimRight(words[0], ";"))
	before := map[string]string{"INSERT": "INTO", "DELETE": "FROM", "SELECT": "FROM", "UPDATE": "UPDATE"}[verb]
	if before == "" {
		return verb
	}
	object, depth := "", 0
	for i, w := range words[:len(words)-1] {
		if depth == 0 && strings.EqualFold(w, before) { // others stand in sub-selects and functions
			object = words[i+1]
			break
		}
		depth += strings.Count(w, "(") - strings.Count(w, ")")
	}
	if object == "" && len(words) > 1 {
		object = words[1]
	}
	object, _, _ = strings.Cut(object, "(")
	object = object[strings.LastIndexByte(object, '.')+1:]
	return strings.TrimSpace(verb + " " + strings.Trim(object, `",;)`))
}
