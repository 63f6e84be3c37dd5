-- +goose Up

-- Generations that somebody made to look at, of a part of the log: their state
-- is scratch. Nobody folds them on.
CREATE TABLE scratch (
    generation int  PRIMARY KEY REFERENCES generation,
    what       text NOT NULL
);
