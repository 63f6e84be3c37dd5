package projections

import (
	"strings"

	"github.com/badgestream/badgestream/internal/catalog"
)

// generationDDL makes the tables of one generation, as the catalogue has it.
//
// Counters have no index and rows leave room, so that an update stays on its
// page and touches no index. prev, prev_at and at serve the fold: what a row
// was before its last batch, and the event time of what it is. Members and
// entities are stored under a hash of their ids, see rowKey. granted, withheld and
// pinned_badges are what people decided. refused names the records that this
// generation's fold has rejected: other rules may have taken them.
func generationDDL(group string, generation int32, cat *catalog.Catalog) string {
	gen := generationSchema(group, generation)
	var counters strings.Builder
	for _, column := range counterColumns(cat) {
		counters.WriteString(",\n    " + column + " bigint NOT NULL DEFAULT 0")
	}
	ddl := `CREATE SCHEMA ` + gen + `;
CREATE TABLE ` + gen + `.users (
    id        text COLLATE "C" PRIMARY KEY,
    version   bigint NOT NULL,
    due_at    timestamptz,
    held      smallint[],
    earned_at timestamptz[],
    granted   smallint[],
    withheld  smallint[],
    pinned_badges smallint[]` + counters.String() + `
) WITH (fillfactor = 75);
CREATE TABLE ` + gen + `.member (
    user_key   bigint NOT NULL,
    row_key    bigint NOT NULL,
    collection smallint NOT NULL,
    state      int NOT NULL,
    prev       int NOT NULL,
    at         timestamptz,
    prev_at    timestamptz,
    PRIMARY KEY (user_key, row_key)
) WITH (fillfactor = 90);
CREATE TABLE ` + gen + `.entity (
    user_key   bigint NOT NULL,
    row_key    bigint NOT NULL,
    collection smallint NOT NULL,
    state      int NOT NULL,
    prev       int NOT NULL,
    s0         bigint NOT NULL,
    s1         bigint NOT NULL,
    s2         bigint NOT NULL,
    s3         bigint NOT NULL,
    PRIMARY KEY (user_key, row_key)
) WITH (fillfactor = 80);
CREATE TABLE ` + gen + `.place (
    collection smallint PRIMARY KEY,
    taken      bigint NOT NULL,
    prev       bigint NOT NULL
);
CREATE TABLE ` + gen + `.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at  timestamptz
);
INSERT INTO ` + gen + `.clock DEFAULT VALUES;
CREATE TABLE ` + gen + `.refused (
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    "offset"  bigint NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);
`
	if cat.HasAgeBadges {
		ddl += `CREATE INDEX users_due ON ` + gen + `.users (due_at, id) WHERE due_at IS NOT NULL;
`
	}
	return ddl
}

// besideDDL makes what a generation has while it is folded beside the live one:
// a history of its own. The live one's is the group's, which is published.
func besideDDL(group string, generation int32) string {
	return `CREATE TABLE IF NOT EXISTS ` + generationSchema(group, generation) + `.history (LIKE ` + schema(group) + `.history INCLUDING DEFAULTS INCLUDING INDEXES);
`
}

// buildingDDL makes what a generation has while it is built: members, entities and
// a history without indexes, as almost all that is added is new. Row by row they
// cost more than the rows. Whoever needs one makes it, and Followed all.
func buildingDDL(group string, generation int32) string {
	gen := generationSchema(group, generation)
	return `CREATE TABLE ` + gen + `.history (LIKE ` + schema(group) + `.history INCLUDING DEFAULTS);
ALTER TABLE ` + gen + `.member DROP CONSTRAINT member_pkey;
ALTER TABLE ` + gen + `.entity DROP CONSTRAINT entity_pkey;
`
}

// rowsKey makes the key of members or entities, unless it is there. It judges
// whether each row was written once.
func rowsKey(schema, table string) string {
	return `CREATE UNIQUE INDEX IF NOT EXISTS ` + table + `_pkey ON ` + schema + `.` + table + ` (user_key, row_key)`
}

// primaryKey makes the key of members or entities their primary one, unless they
// have one: then their table is as any other generation's.
func primaryKey(schema, table string) string {
	return `DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('` + schema + `.` + table + `') AND contype = 'p') THEN
        ALTER TABLE ` + schema + `.` + table + ` ADD PRIMARY KEY USING INDEX ` + table + `_pkey;
    END IF;
END $$`
}

// lateIndexes makes the indexes that a generation lacks while it is built, unless
// they are there. Those of its history are others than the group's, which grow row
// by row: with the topic last, the key is made in less than half of the time, and a
// B-tree in a third of what a hash index takes.
func lateIndexes(group string, generation int32) []string {
	gen := generationSchema(group, generation)
	table := gen + `.history`
	return []string{
		rowsKey(gen, "member"),
		rowsKey(gen, "entity"),
		`CREATE UNIQUE INDEX IF NOT EXISTS history_pkey ON ` + table + ` (partition, "offset", ordinal, topic)`,
		`CREATE INDEX IF NOT EXISTS history_user_id_idx ON ` + table + ` (user_id)`,
	}
}
