package wire

import (
	"encoding/binary"
	"net"
	"strconv"

	"github.com/cockroachdb/errors"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// redirect exchanges the addresses of brokers in a reply for those of ours.
// All other replies stay as they are, byte for byte.
func (k *kafka) redirect(req asked, frame []byte) ([]byte, error) {
	switch kmsg.Key(req.key) {
	case kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster, kmsg.Produce, kmsg.Fetch:
	default:
		return frame, nil
	}
	resp := kmsg.ResponseForKey(req.key)
	resp.SetVersion(req.version)
	body := 8
	if resp.IsFlexible() {
		tags, err := skipTags(frame[body:])
		if err != nil {
			return nil, err
		}
		body += tags
	}
	if err := resp.ReadFrom(frame[body:]); err != nil {
		return nil, errors.Wrapf(err, "read a reply to %s version %d", kmsg.NameForKey(req.key), req.version)
	}
	named, err := k.rename(resp)
	if err != nil || !named {
		return frame, err
	}
	frame = resp.AppendTo(frame[:body:body])
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame, nil
}

// rename exchanges the addresses, and reports whether there were any.
func (k *kafka) rename(resp kmsg.Response) (named bool, err error) {
	address := func(host *string, port *int32) {
		if *host == "" || err != nil {
			return
		}
		var ours string
		if ours, err = k.route(net.JoinHostPort(*host, strconv.Itoa(int(*port)))); err != nil {
			return
		}
		name, number, _ := net.SplitHostPort(ours)
		n, _ := strconv.Atoi(number) // a listener's
		*host, *port, named = name, int32(n), true
	}
	switch r := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			address(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		address(&r.Host, &r.Port)
		for i := range r.Coordinators {
			address(&r.Coordinators[i].Host, &r.Coordinators[i].Port)
		}
	case *kmsg.DescribeClusterResponse:
		for i := range r.Brokers {
			address(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.ProduceResponse: // where a partition's new leader is
		for i := range r.Brokers {
			address(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FetchResponse:
		for i := range r.Brokers {
			address(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	}
	return named, err
}

// skipTags is how long a header's tagged fields are.
func skipTags(b []byte) (int, error) {
	count, at := binary.Uvarint(b)
	if at <= 0 {
		return 0, errors.New("a reply without the tags of its header")
	}
	for range count {
		_, n := binary.Uvarint(b[at:])
		size, m := binary.Uvarint(b[at+max(0, n):])
		if n <= 0 || m <= 0 || at+n+m+int(size) > len(b) {
			return 0, errors.New("a reply whose header's tags end too early")
		}
		at += n + m + int(size)
	}
	return at, nil
}
