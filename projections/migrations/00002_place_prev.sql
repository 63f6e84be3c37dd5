-- +goose Up

-- A row of place counts up to the number of places and no further, and answers
-- with what it was before. Generations are schemas of their own.
-- +goose StatementBegin
DO $$
DECLARE g int;
BEGIN
    FOR g IN SELECT generation FROM regime LOOP
        EXECUTE format('ALTER TABLE %I.place ADD COLUMN prev bigint NOT NULL DEFAULT 0', current_schema() || '_g' || g);
    END LOOP;
END $$;
-- +goose StatementEnd
