package wire

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kafka reads frames of Kafka's protocol: a size, and for a request its key,
// version and correlation id, which the reply repeats.
type kafka struct {
	// route gives the address of ours for a broker's.
	route func(broker string) (string, error)

	mu    sync.Mutex
	asked map[int32]asked // by correlation id
}

type asked struct{ key, version int16 }

func (k *kafka) request(in *bufio.Reader) ([]byte, string, error) {
	frame, err := kafkaFrame(in, 8)
	if err != nil {
		return nil, "", err
	}
	req := asked{int16(binary.BigEndian.Uint16(frame[4:])), int16(binary.BigEndian.Uint16(frame[6:]))}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked[int32(binary.BigEndian.Uint32(frame[8:]))] = req
	return frame, kmsg.NameForKey(req.key), nil
}

func (k *kafka) reply(in *bufio.Reader) ([]byte, string, error) {
	frame, err := kafkaFrame(in, 4)
	if err != nil {
		return nil, "", err
	}
	id := int32(binary.BigEndian.Uint32(frame[4:]))
	k.mu.Lock()
	req, ok := k.asked[id]
	delete(k.asked, id)
	k.mu.Unlock()
	if !ok {
		return nil, "", errors.Newf("Kafka answers %d, which nobody asked", id)
	}
	if frame, err = k.redirect(req, frame); err != nil {
		return nil, "", err
	}
	return frame, kmsg.NameForKey(req.key), nil
}

// kafkaFrame reads a frame with its size.
func kafkaFrame(in *bufio.Reader, least uint32) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head)
	if size < least || size > maxFrame {
		return nil, errors.Newf("a frame of %d bytes", size)
	}
	frame := make([]byte, 4+size)
	copy(frame, head)
	_, err := io.ReadFull(in, frame[4:])
	return frame, err
}
