-- Segments, and overrides: what those in a segment, or one identity, get of a feature in an environment.
-- "rules" is JSON in which conditions on features (FLAG) name them by their ids. "seed" and "rollout_seed" never change:
-- identities are hashed with them.
CREATE TABLE segments (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL CHECK (name <> ''),
    name_folded TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    rules       TEXT    NOT NULL,
    seed        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

-- "variants" is JSON, "rollout" a percentage as it is written. Priorities are unique for a flag when a unit of work ends.
CREATE TABLE overrides (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    feature_id     INTEGER NOT NULL REFERENCES features (id) ON DELETE CASCADE,
    segment_id     INTEGER REFERENCES segments (id),
    identifier     TEXT,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    value          TEXT    NOT NULL,
    variants       TEXT    NOT NULL,
    priority       INTEGER,
    rollout        TEXT,
    rollout_seed   INTEGER,
    seed           TEXT    NOT NULL,
    hash           TEXT    NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    CHECK ((segment_id IS NULL) <> (identifier IS NULL)),
    CHECK ((segment_id IS NULL) = (priority IS NULL)),
    CHECK ((segment_id IS NULL) = (rollout_seed IS NULL)),
    CHECK (segment_id IS NOT NULL OR rollout IS NULL),
    UNIQUE (environment_id, feature_id, segment_id)
) STRICT;
CREATE INDEX overrides_by_feature ON overrides (feature_id);
CREATE INDEX overrides_by_segment ON overrides (segment_id);
