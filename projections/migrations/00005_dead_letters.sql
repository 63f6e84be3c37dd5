-- +goose Up

-- What people decided about rejected records: discarded, or appended to the log
-- again, each at most once. to_offset is where the record then stands, in the
-- same partition.
CREATE TABLE dead_letter (
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    "offset"  bigint NOT NULL,
    state     text   NOT NULL CHECK (state IN ('discarded', 'redriven')),
    at        timestamptz NOT NULL DEFAULT now(),
    by        text   NOT NULL,
    why       text   NOT NULL,
    to_offset bigint,
    PRIMARY KEY (topic, partition, "offset", state)
);

-- Up to where the log was looked through for records that were redriven: all
-- of those before next are in dead_letter.
CREATE TABLE redrive_mark (
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    next      bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
