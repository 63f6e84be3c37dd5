-- +goose Up

-- Which records each generation has rejected. Until now, all of a group's were
-- taken for rejected by each of them.
-- +goose StatementBegin
DO $$
DECLARE
    g   int;
    gen text;
BEGIN
    FOR g IN SELECT generation FROM generation WHERE state IN ('building', 'following', 'live') LOOP
        gen := current_schema() || '_g' || g;
        EXECUTE format('CREATE TABLE %I.refused (topic text COLLATE "C" NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL, PRIMARY KEY (topic, partition, "offset"))', gen);
        EXECUTE format('INSERT INTO %I.refused SELECT r.topic, r.partition, r."offset" FROM reject r LEFT JOIN generation_offset o ON (o.generation, o.topic, o.partition) = ($1, r.topic, r.partition)
WHERE o.next IS NULL OR r."offset" < o.next', gen) USING g;
    END LOOP;
END $$;
-- +goose StatementEnd
