-- +goose Up

-- How many records that erase users were folded: who folds must know of each.
ALTER TABLE regime ADD COLUMN erasures int NOT NULL DEFAULT 0;

-- Who was erased, by hash, and by which record of the control topic. It is
-- written by the fold, in its transaction. until holds up to where each
-- partition was folded then: what was given before is published once the
-- watermarks have reached it. done_at is when nothing of the user was left.
CREATE TABLE erasure (
    user_hash bytea  NOT NULL PRIMARY KEY,
    topic     text   COLLATE "C" NOT NULL,
    partition int    NOT NULL,
    "offset"  bigint NOT NULL,
    by        text   NOT NULL,
    reason    text   NOT NULL,
    at        timestamptz NOT NULL,
    until     jsonb  NOT NULL,
    done_at   timestamptz,
    removed   jsonb  NOT NULL DEFAULT '{}'
);

-- Whose id is needed until he is erased: rows of users bear no hash. It is
-- written by who asks for the erasure, and goes with the last of his data.
CREATE TABLE erasing (
    user_hash bytea NOT NULL PRIMARY KEY,
    user_id   text  COLLATE "C" NOT NULL,
    asked_at  timestamptz NOT NULL DEFAULT now()
);

-- Whether nothing is left in a generation of who was erased before it had caught
-- up: its log has their events up to where they were erased.
ALTER TABLE generation ADD COLUMN swept boolean NOT NULL DEFAULT false;
UPDATE generation SET swept = true;

-- Badge events of erased users, which the award topic shall forget: their keys.
CREATE TABLE tombstone (
    user_hash bytea NOT NULL,
    key       text  COLLATE "C" NOT NULL,
    partition int   NOT NULL,
    PRIMARY KEY (user_hash, key)
);
