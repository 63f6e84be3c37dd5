-- +goose Up

-- Which topics the group reads and publishes to. One row, written by the first
-- process: what is published below the committed offsets stands on these and
-- on no others. award_topic_id is Kafka's.
CREATE TABLE outlets (
    one               boolean PRIMARY KEY DEFAULT true CHECK (one),
    activity_topic    text COLLATE "C" NOT NULL,
    award_topic       text COLLATE "C" NOT NULL,
    award_topic_id    uuid NOT NULL,
    dead_letter_topic text COLLATE "C" NOT NULL
);
