-- +goose Up

-- A base is a frozen copy of what readers saw, with its history: rows of a
-- generation whose state is base, or taking while it is copied, at the place that
-- generation_offset has. base is the base that a rebuild begins with, and
-- base_taken says that its rows are there.
ALTER TABLE generation ADD COLUMN base int REFERENCES generation, ADD COLUMN base_taken boolean NOT NULL DEFAULT false;
