-- +goose Up

-- What people decided about users' badges, in the order of the log: grant,
-- revoke, release, pin or unpin. It is written by the fold, in its transaction,
-- and never changed. at is the record's time.
CREATE TABLE decision (
    topic        text   COLLATE "C" NOT NULL,
    partition    int    NOT NULL,
    "offset"     bigint NOT NULL,
    verb         text   NOT NULL,
    user_id      text   COLLATE "C" NOT NULL,
    badge        text   COLLATE "C" NOT NULL,
    by           text   NOT NULL,
    reason       text   NOT NULL,
    at           timestamptz NOT NULL,
    event_id     text   COLLATE "C" NOT NULL,
    event_source text   COLLATE "C" NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);

CREATE INDEX decision_user ON decision USING hash (user_id);

-- Generations are schemas of their own. What was decided last stands in users'
-- rows, for the fold: ids of badges.
-- +goose StatementBegin
DO $$
DECLARE
    g   int;
    gen text;
BEGIN
    FOR g IN SELECT generation FROM generation WHERE to_regclass(format('%I.users', current_schema() || '_g' || generation)) IS NOT NULL LOOP
        gen := current_schema() || '_g' || g;
        EXECUTE format('ALTER TABLE %I.users ADD COLUMN granted smallint[], ADD COLUMN withheld smallint[], ADD COLUMN pinned_badges smallint[]', gen);
    END LOOP;
END $$;
-- +goose StatementEnd
