-- Rates of currencies: a day is one row, so that a day costs the same however many there are.
-- "date" is ISO 8601, "rates" a JSON object of exact decimals, "made_at" the source's own time in seconds.
CREATE TABLE rate_days (
    date        TEXT NOT NULL PRIMARY KEY,
    base        TEXT NOT NULL,
    rates       TEXT NOT NULL,
    made_at     INTEGER,
    ingested_at INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

-- Whose turn it is to ingest, and how it went. One row, once there was a turn.
CREATE TABLE rate_turns (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    holder       TEXT NOT NULL,
    held_until   INTEGER,
    carried_out  INTEGER,
    last_success INTEGER
) STRICT;

INSERT INTO compatible_migrations (version) VALUES ('20261121091000');
