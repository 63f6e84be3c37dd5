package projections

import (
	"context"
	"encoding/binary"

	"github.com/badgestream/badgestream/schemas"
	"github.com/cockroachdb/errors"
)

// Rejects calls f for the rejected records of a partition from one offset up
// to another (that excluded), in order. The reject is the caller's. An error
// of f ends it and is returned.
func (s *Store) Rejects(ctx context.Context, p TopicPartition, from, to int64, f func(*Reject) error) error {
	return errors.Wrapf(s.rejects(ctx, p, from, to, f), "read the rejects of %s/%d from %d to %d", p.Topic, p.Partition, from, to)
}

func (s *Store) rejects(ctx context.Context, p TopicPartition, from, to int64, f func(*Reject) error) error {
	rows, err := s.pool.Query(ctx, `SELECT "offset", reason, detail, key, value, headers, timestamp_ms FROM `+schema(s.group)+`.reject
WHERE topic = $1 AND partition = $2 AND "offset" >= $3 AND "offset" < $4 ORDER BY "offset"`, p.Topic, p.Partition, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r := Reject{TopicPartition: p}
		var headers []byte
		if err := rows.Scan(&r.Offset, &r.Reason, &r.Detail, &r.Key, &r.Value, &headers, &r.Timestamp); err != nil {
			return err
		}
		if r.Headers, err = readHeaders(headers); err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// RejectsWith calls f for the rejected records that may name a user: those that
// have the id's bytes somewhere. The reject is the caller's.
func (s *Store) RejectsWith(ctx context.Context, user string, f func(*Reject) error) error {
	rows, err := s.pool.Query(ctx, `SELECT topic, partition, "offset", reason, detail, key, value, headers, timestamp_ms FROM `+schema(s.group)+`.reject
WHERE position($1::bytea IN key) > 0 OR position($1::bytea IN value) > 0 OR position($1::bytea IN headers) > 0`, []byte(user))
	if err != nil {
		return errors.Wrap(err, "look for rejected records of a user")
	}
	defer rows.Close()
	for rows.Next() {
		var r Reject
		var headers []byte
		if err := rows.Scan(&r.Topic, &r.Partition, &r.Offset, &r.Reason, &r.Detail, &r.Key, &r.Value, &headers, &r.Timestamp); err != nil {
			return errors.Wrap(err, "look for rejected records of a user")
		}
		if r.Headers, err = readHeaders(headers); err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
	}
	return errors.Wrap(rows.Err(), "look for rejected records of a user")
}

// Scrub empties a rejected record: only where it stood and why it was rejected
// stays.
func (s *Store) Scrub(ctx context.Context, at *Place) error {
	_, err := s.pool.Exec(ctx, `UPDATE `+schema(s.group)+`.reject SET key = NULL, value = NULL, headers = '', detail = '' WHERE topic = $1 AND partition = $2 AND "offset" = $3`, at.Topic, at.Partition, at.Offset)
	return errors.Wrapf(err, "empty the rejected record at %s/%d offset %d", at.Topic, at.Partition, at.Offset)
}

const nullValue = 0xffffffff

// appendHeaders writes headers as the table of rejects keeps them: key and
// value, each after its length.
func appendHeaders(dst []byte, headers []schemas.Header) []byte {
	for _, h := range headers {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(h.Key))), h.Key...)
		if h.Value == nil {
			dst = binary.BigEndian.AppendUint32(dst, nullValue)
			continue
		}
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(h.Value))), h.Value...)
	}
	return dst
}

func readHeaders(b []byte) ([]schemas.Header, error) {
	var headers []schemas.Header
	for len(b) > 0 {
		key, null, rest, err := cutPart(b)
		if err != nil {
			return nil, err
		}
		if null {
			return nil, errors.New("column headers has a header without a key")
		}
		value, null, rest, err := cutPart(rest)
		if err != nil {
			return nil, err
		}
		if null {
			value = nil
		}
		headers = append(headers, schemas.Header{Key: string(key), Value: value})
		b = rest
	}
	return headers, nil
}

func cutPart(b []byte) (part []byte, null bool, rest []byte, err error) {
	if len(b) < 4 {
		return nil, false, nil, errors.New("column headers is cut short")
	}
	n, b := binary.BigEndian.Uint32(b), b[4:]
	if n == nullValue {
		return nil, true, b, nil
	}
	if uint32(len(b)) < n {
		return nil, false, nil, errors.New("column headers is cut short")
	}
	return b[:n:n], false, b[n:], nil
}
