-- +goose Up

-- Which catalogue holds, and which generation of rows is live. One row. Every
-- fold reads it under a shared lock; who changes it takes it exclusively.
CREATE TABLE regime (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch           bigint  NOT NULL,
    generation      int     NOT NULL,
    catalog_version int     NOT NULL
);

-- Every catalogue that ever held, as it was read.
CREATE TABLE catalog (
    version    int         PRIMARY KEY,
    name       text        NOT NULL,
    rules_hash text        NOT NULL,
    text       text        NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now()
);

-- The definitions of the catalogue that holds. threshold is the first
-- condition's, which orders the badges of one ladder.
CREATE TABLE badge (
    id          smallint PRIMARY KEY,
    slug        text     NOT NULL UNIQUE,
    category    text     NOT NULL,
    criterion   text     NOT NULL,
    tier        int      NOT NULL,
    position    int      NOT NULL,
    name        text     NOT NULL,
    description text     NOT NULL,
    rare        boolean  NOT NULL,
    sticky      boolean  NOT NULL,
    threshold   bigint   NOT NULL,
    conditions  jsonb    NOT NULL
);

CREATE INDEX badge_ladder ON badge (category, criterion, threshold);

-- P: the next offset of a partition that is not folded yet. Of a record that
-- is folded in several steps, step counts those done and ordinal the badge
-- changes that they gave. topic_id is Kafka's, so that a topic which was
-- deleted and made again is noticed.
CREATE TABLE fold_offset (
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    topic_id  uuid   NOT NULL,
    next      bigint NOT NULL,
    step      bigint NOT NULL DEFAULT 0,
    ordinal   bigint NOT NULL DEFAULT 0,
    seeded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- The order in which ranges of the log took effect. CACHE 1: numbers are drawn
-- in the order of the draws, whatever connection draws them.
CREATE SEQUENCE ledger_number AS bigint CACHE 1;

CREATE TABLE ledger (
    number          bigint PRIMARY KEY DEFAULT nextval('ledger_number'),
    topic           text   COLLATE "C" NOT NULL,
    partition       int    NOT NULL,
    from_offset     bigint NOT NULL,
    from_step       bigint NOT NULL,
    from_ordinal    bigint NOT NULL,
    to_offset       bigint NOT NULL,
    to_step         bigint NOT NULL,
    to_ordinal      bigint NOT NULL,
    due             int    NOT NULL,
    catalog_version int    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now()
);

ALTER SEQUENCE ledger_number OWNED BY ledger.number;

-- No two ranges begin at the same place.
CREATE UNIQUE INDEX ledger_range ON ledger (topic, partition, from_offset, from_step);

-- Every award and revocation, for ever. Each row says all that its badge event
-- says, so that a later catalogue cannot change what was given. at is the
-- cause's time; earned_at of a revocation is when the badge had been earned.
-- counters is json and not jsonb, which would change the order of its members.
CREATE TABLE history (
    topic           text     COLLATE "C" NOT NULL,
    partition       int      NOT NULL,
    "offset"        bigint   NOT NULL,
    ordinal         bigint   NOT NULL,
    user_id         text     COLLATE "C" NOT NULL,
    badge           text     COLLATE "C" NOT NULL,
    category        text     NOT NULL,
    criterion       text     NOT NULL,
    tier            int      NOT NULL,
    revoked         boolean  NOT NULL,
    at              timestamptz NOT NULL,
    earned_at       timestamptz NOT NULL,
    event_id        text     COLLATE "C" NOT NULL,
    event_source    text     COLLATE "C" NOT NULL,
    counters        json     NOT NULL,
    user_version    bigint   NOT NULL,
    catalog_version int      NOT NULL,
    reason          text     NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset", ordinal)
);

-- Records that are no valid events, with their bytes. headers holds for each
-- header the key and the value, each after its length as 4 bytes, big-endian,
-- -1 for a value that is null: Kafka lets both hold any bytes. timestamp_ms is
-- the record's, as Kafka has it: it may be no time that Postgres knows.
CREATE TABLE reject (
    topic       text   COLLATE "C" NOT NULL,
    partition   int    NOT NULL,
    "offset"    bigint NOT NULL,
    reason      text   NOT NULL,
    detail      text   NOT NULL,
    key         bytea,
    value       bytea,
    headers     bytea  NOT NULL,
    timestamp_ms bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
