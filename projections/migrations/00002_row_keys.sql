-- +goose Up

-- The secret keys the hashes under which members and entities are stored, so
-- that nobody can send two ids that meet.
ALTER TABLE regime ADD COLUMN secret uuid NOT NULL DEFAULT gen_random_uuid();

-- What a user's rows, and one of them, are stored under. It is for people who
-- look for a row: the fold makes the same hashes by itself. The member of an
-- entity's row is ''.
-- +goose StatementBegin
CREATE FUNCTION row_key(user_id text, collection smallint, entity text, member text, OUT user_key bigint, OUT row_key bigint)
LANGUAGE sql STABLE AS $$
SELECT ('x' || encode(substr(sha256(uuid_send(secret) || 'u'::bytea || convert_to(user_id, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint,
       ('x' || encode(substr(sha256(uuid_send(secret) || 'r'::bytea || int2send(collection) || int4send(octet_length(entity))
           || convert_to(entity, 'UTF8') || convert_to(member, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
FROM regime
$$;
-- +goose StatementEnd

-- Generations are schemas of their own. A row of place answers with what it
-- was before.
-- +goose StatementBegin
DO $$
DECLARE
    g   int;
    gen text;
BEGIN
    EXECUTE format('ALTER FUNCTION row_key SET search_path = %I', current_schema());
    FOR g IN SELECT generation FROM regime LOOP
        gen := current_schema() || '_g' || g;
        EXECUTE format('ALTER TABLE %I.place ADD COLUMN prev bigint NOT NULL DEFAULT 0', gen);
        EXECUTE format('ALTER TABLE %I.member ADD COLUMN user_key bigint, ADD COLUMN row_key bigint', gen);
        EXECUTE format('UPDATE %1$I.member m SET (user_key, row_key) = (SELECT k.user_key, k.row_key FROM row_key(m.user_id, m.collection, m.entity, m.member) k)', gen);
        EXECUTE format('ALTER TABLE %I.member DROP COLUMN user_id, DROP COLUMN entity, DROP COLUMN member, ADD PRIMARY KEY (user_key, row_key)', gen);
        EXECUTE format('ALTER TABLE %I.entity ADD COLUMN user_key bigint, ADD COLUMN row_key bigint', gen);
        EXECUTE format('UPDATE %1$I.entity e SET (user_key, row_key) = (SELECT k.user_key, k.row_key FROM row_key(e.user_id, e.collection, e.entity, '''') k)', gen);
        EXECUTE format('ALTER TABLE %I.entity DROP COLUMN user_id, DROP COLUMN entity, ADD PRIMARY KEY (user_key, row_key)', gen);
    END LOOP;
END $$;
-- +goose StatementEnd
