-- +goose Up

-- Generations of rows. One is live; at most one more is folded beside it, by
-- the ledger: a rebuild, or what was live before a switch. state is building
-- (it has not caught up yet), following, live, cancelled or retired.
-- catalog_version is the catalogue whose rules it is folded by: ranges that
-- were folded by a version with the same rules keep that version. max_rate is
-- the most records a second, 0 for no limit. rate and worked_at tell how fast
-- it gets on, and when somebody last worked on it; trouble is why nobody can.
-- lived says that readers saw it once.
CREATE TABLE generation (
    generation      int         PRIMARY KEY,
    state           text        NOT NULL,
    catalog_version int         NOT NULL,
    max_rate        int         NOT NULL DEFAULT 0,
    rate            double precision NOT NULL DEFAULT 0,
    trouble         text        NOT NULL DEFAULT '',
    lived           boolean     NOT NULL DEFAULT false,
    requested_at    timestamptz NOT NULL DEFAULT now(),
    worked_at       timestamptz,
    followed_at     timestamptz,
    ended_at        timestamptz
);

-- Not two at a time beside the live one.
CREATE UNIQUE INDEX generation_beside ON generation ((true)) WHERE state IN ('building', 'following');

-- How far a generation beside the live one is folded, as fold_offset has it of
-- the live one. begins is the first offset that was ever folded.
CREATE TABLE generation_offset (
    generation int    NOT NULL REFERENCES generation,
    topic      text   COLLATE "C" NOT NULL,
    partition  int    NOT NULL,
    begins     bigint NOT NULL,
    next       bigint NOT NULL,
    step       bigint NOT NULL DEFAULT 0,
    ordinal    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, topic, partition)
) WITH (fillfactor = 50);

INSERT INTO generation (generation, state, catalog_version, lived) SELECT generation, 'live', catalog_version, true FROM regime;

-- Which generation gave a row of the history.
ALTER TABLE history ADD COLUMN generation int NOT NULL DEFAULT 1;

-- turn is how many switches there were: user versions that are shown rise with
-- it, whatever the generations' own are.
ALTER TABLE regime ADD COLUMN turn int NOT NULL DEFAULT 0;

-- The last epoch of which all snapshots were written. It is not in the regime's
-- row, which folds hold while they run.
CREATE TABLE shown (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);
INSERT INTO shown (epoch) SELECT coalesce((SELECT epoch FROM regime), 1);

-- Switches asked for by a record of the control topic, and what became of them:
-- state is asked, done or refused, and refusal says why.
CREATE TABLE switch (
    topic        text   COLLATE "C" NOT NULL,
    partition    int    NOT NULL,
    "offset"     bigint NOT NULL,
    event_id     text   NOT NULL,
    event_source text   NOT NULL,
    at           timestamptz NOT NULL,
    generation   int    NOT NULL,
    revoke       boolean NOT NULL,
    state        text   NOT NULL DEFAULT 'asked',
    refusal      text   NOT NULL DEFAULT '',
    formerly     int,
    turn         int,
    gained       bigint NOT NULL DEFAULT 0,
    lost         bigint NOT NULL DEFAULT 0,
    took_ms      bigint,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    PRIMARY KEY (topic, partition, "offset")
);

-- Badges that users kept by a switch, though the generation that came to be
-- live had not given them. They are facts: a rebuild meets them at the switch.
CREATE TABLE kept (
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    "offset"  bigint NOT NULL,
    user_id   text   COLLATE "C" NOT NULL,
    badge     text   COLLATE "C" NOT NULL,
    earned_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, "offset", user_id, badge)
);
