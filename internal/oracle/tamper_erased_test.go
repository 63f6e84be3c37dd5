package oracle_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/badgestream/badgestream/internal/devstack/stacktest"
	"github.com/badgestream/badgestream/internal/grouptest"
	"github.com/badgestream/badgestream/internal/oracle"
	"github.com/badgestream/badgestream/schemas"
)

func TestRealTamperedErasure(t *testing.T) {
	t.Parallel()
	testTamperedErasure(t, stacktest.Real(t))
}
func TestTamperedErasure(t *testing.T) { t.Parallel(); testTamperedErasure(t, stacktest.Embedded(t)) }

// testTamperedErasure brings back one thing at a time of a user who was erased,
// or changes what is known of the erasure, and wants the check that is there for
// it to see it. What may be there wants every check to hold.
func testTamperedErasure(t *testing.T, stack *stacktest.Stack) {
	g, user := erased(t, stack)
	hash := g.hash(user)
	key := int64(binary.BigEndian.Uint64(hash[:8]))
	emptied := `WHERE (topic, partition, "offset") = (SELECT topic, partition, "offset" FROM %[1]s.reject WHERE detail = '' AND key IS NULL AND value IS NULL LIMIT 1)`
	for i, tc := range []struct {
		what, check string // an empty one: all hold
		sql         string // %[1]s is the group's schema, %[2]s the generation's, %[3]s the user, %[4]s his hash, %[5]d his key
	}{
		{"his row, which says nothing", oracle.ErasedAbsent, `INSERT INTO %[2]s.users (id, version) VALUES (%[3]s, 0)`},
		{"an award of his", oracle.ErasedAbsent, `UPDATE %[1]s.history SET user_id = %[3]s WHERE (topic, partition, "offset", ordinal) = (SELECT topic, partition, "offset", ordinal FROM %[1]s.history LIMIT 1)`},
		{"a decision about him", oracle.ErasedAbsent, `UPDATE %[1]s.decision SET user_id = %[3]s WHERE "offset" = (SELECT max("offset") FROM %[1]s.decision)`},
		{"a badge that he kept", oracle.ErasedAbsent, `INSERT INTO %[1]s.kept (topic, partition, "offset", user_id, badge, earned_at) VALUES ('other', 0, 0, %[3]s, 'explorer', now())`},
		{"a member of his", oracle.ErasedAbsent, `INSERT INTO %[2]s.member (user_key, row_key, collection, state, prev) VALUES (%[5]d, 2, 3, 1, 0)`},
		{"a member of his that says nothing", oracle.ErasedAbsent, `INSERT INTO %[2]s.member (user_key, row_key, collection, state, prev) VALUES (%[5]d, 2, 3, 0, 0)`},
		{"a thing of his that says nothing", oracle.ErasedAbsent, `INSERT INTO %[2]s.entity (user_key, row_key, collection, state, prev, s0, s1, s2, s3) VALUES (%[5]d, 2, 3, 0, 0, 0, 0, 0, 0)`},
		{"a member of his while they go", "", `WITH e AS (UPDATE %[1]s.erasure SET done_at = NULL) INSERT INTO %[2]s.member (user_key, row_key, collection, state, prev) VALUES (%[5]d, 2, 3, 1, 0)`},
		{"his id", oracle.ErasedAbsent, `INSERT INTO %[1]s.erasing (user_hash, user_id) VALUES (%[4]s, %[3]s)`},
		{"his id while it is needed", "", `WITH e AS (UPDATE %[1]s.erasure SET done_at = NULL) INSERT INTO %[1]s.erasing (user_hash, user_id) VALUES (%[4]s, %[3]s)`},
		{"a key of his on the award topic", oracle.ErasedAbsent, `INSERT INTO %[1]s.tombstone (user_hash, key, partition) VALUES (%[4]s, '00', 0)`},
		{"nobody who was erased", oracle.ErasedAbsent, `DELETE FROM %[1]s.erasure WHERE user_hash = %[4]s`},
		{"an erasure from nowhere", oracle.ErasedAbsent, `INSERT INTO %[1]s.erasure SELECT '\x00112233445566778899aabbccddeeff', topic, partition, "offset" + 1000000, by, reason, at, until, done_at, removed FROM %[1]s.erasure LIMIT 1`},
		{"one more by the same record", oracle.ErasedAbsent, `INSERT INTO %[1]s.erasure SELECT '\x00112233445566778899aabbccddeeff', topic, partition, "offset", by, reason, at, until, done_at, removed FROM %[1]s.erasure LIMIT 1`},
		{"who erased", oracle.ErasedAbsent, `UPDATE %[1]s.erasure SET by = 'another' WHERE user_hash = %[4]s`},
		{"why", oracle.ErasedAbsent, `UPDATE %[1]s.erasure SET reason = 'another' WHERE user_hash = %[4]s`},
		{"when", oracle.ErasedAbsent, `UPDATE %[1]s.erasure SET at = at + interval '1 microsecond' WHERE user_hash = %[4]s`},
		{"by which record", oracle.ErasedAbsent, `UPDATE %[1]s.erasure SET "offset" = "offset" - 1 WHERE user_hash = %[4]s`},
		{"how many records there were", oracle.ErasedAbsent, `UPDATE %[1]s.regime SET erasures = erasures - 1`},
		{"a rejected record's bytes", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET value = convert_to(%[3]s, 'UTF8') ` + emptied},
		{"why it was rejected", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET detail = %[3]s ` + emptied},
		{"a record of somebody else emptied", oracle.RejectsRecounted, `UPDATE %[1]s.reject SET detail = '', key = NULL, value = NULL, headers = '' WHERE ("offset", partition) = (SELECT "offset", partition FROM %[1]s.reject WHERE detail <> '' ORDER BY "offset" LIMIT 1)`},
		{"others' ordinals at once", oracle.HistoryRefolded, `UPDATE %[1]s.history SET ordinal = ordinal + 7 WHERE user_version = 5`},
		{"others' ordinals in passes", oracle.HistoryRefolded, `UPDATE %[1]s.history SET ordinal = ordinal + 7 WHERE user_version = 5`},
		{"the place that he had drawn", oracle.PlacesRecounted, `UPDATE %[2]s.place SET taken = taken - 1`},
	} {
		if testing.Short() && i%8 != 0 {
			continue
		}
		cfg := g.AuditConfig()
		cfg.Settle = 2 * time.Second
		cfg.Passes = 1 + i%2*2
		cfg.Postgres = g.copied(i)
		g.tamper(cfg.Postgres, fmt.Sprintf(tc.sql+`/* %[1]s %[2]s %[3]s %[4]s %[5]d */`, g.base(), g.gen(), "'"+user+"'", fmt.Sprintf(`'\x%x'::bytea`, hash[:]), key))
		g.expects(cfg, tc.what, tc.check)
	}
}

// erased is a group that erased the user of whom most was rejected, and others,
// who came back.
func erased(t *testing.T, stack *stacktest.Stack) (*group, string) {
	t.Helper()
	g := tamperable(t, stack)
	ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience(t))
	defer cancel()
	stop := g.Engine(ctx, 1, 50)
	users := g.Erase(ctx, 6)
	stop()
	g.Produce(grouptest.Crowd(t, 23, 60, 500)...)
	g.Drain()
	if r := g.Audit(g.AuditConfig()); r.Err() != nil {
		t.Fatalf("before anything is changed: %s", r)
	}
	return g, slices.Max(users)
}

// hash names a user as records that erase him do.
func (g *group) hash(user string) schemas.UserHash {
	g.T.Helper()
	var secret [16]byte
	if err := g.pg.QueryRow(g.T.Context(), `SELECT secret FROM `+g.base()+`.regime`).Scan(&secret); err != nil {
		g.T.Fatal(err)
	}
	return schemas.HashUser(secret, user)
}

// expects audits, and wants a check to fail; without one, all to hold.
func (g *group) expects(cfg oracle.Config, what, check string) {
	g.T.Helper()
	if check != "" {
		g.wants(cfg, what, check)
	} else if r := g.Audit(cfg); r.Err() != nil {
		g.T.Errorf("%s: %v\n%s", what, r.Err(), r)
	}
}
