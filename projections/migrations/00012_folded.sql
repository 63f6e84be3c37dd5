-- +goose Up

-- folded is how many offsets of a generation that is built were folded when its
-- rate was noted, those among them that are not committed yet.
ALTER TABLE generation ADD COLUMN folded bigint NOT NULL DEFAULT 0;
