-- The core: change log, environments, features, flags, keys, accounts.
-- Instants are microseconds since 1970-01-01 UTC. Values and records are JSON text. Names are unique by their folded
-- (lower-case, computed by the program) form.

-- The number of the last change. Incremented inside each writing transaction, so that its order is the order of commits.
CREATE TABLE log_head (
    id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;
INSERT INTO log_head (id, seq) VALUES (1, 0);

-- "environment_id" refers to no row: the log outlives what it tells of.
CREATE TABLE changes (
    seq            INTEGER NOT NULL PRIMARY KEY,
    group_seq      INTEGER NOT NULL CHECK (group_seq <= seq),
    at             INTEGER NOT NULL,
    actor          TEXT    NOT NULL,
    context        TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    environment_id INTEGER,
    environment    TEXT,
    before         TEXT,
    after          TEXT
) STRICT;
CREATE INDEX changes_by_environment ON changes (environment_id, seq);
CREATE INDEX changes_by_subject ON changes (subject, seq);
CREATE INDEX changes_by_actor ON changes (actor, seq);

CREATE TRIGGER changes_are_not_updated BEFORE UPDATE ON changes
BEGIN SELECT RAISE(ABORT, 'the change log is append-only'); END;
CREATE TRIGGER changes_are_not_deleted BEFORE DELETE ON changes
BEGIN SELECT RAISE(ABORT, 'the change log is append-only'); END;

-- "revision" is the last change that affects what the environment serves, "revised_at" its time.
CREATE TABLE environments (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL CHECK (name <> ''),
    name_folded TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    revised_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

CREATE TABLE features (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL CHECK (name <> ''),
    name_folded     TEXT    NOT NULL UNIQUE,
    description     TEXT    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('STANDARD', 'MULTIVARIATE')),
    initial_value   TEXT    NOT NULL,
    default_enabled INTEGER NOT NULL CHECK (default_enabled IN (0, 1)),
    server_key_only INTEGER NOT NULL CHECK (server_key_only IN (0, 1)),
    tags            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL
) STRICT;

CREATE TABLE flags (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    feature_id     INTEGER NOT NULL REFERENCES features (id) ON DELETE CASCADE,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    value          TEXT    NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    UNIQUE (environment_id, feature_id)
) STRICT;
CREATE INDEX flags_by_feature ON flags (feature_id);

-- The text of a client key is kept, of a server key only the digest.
CREATE TABLE environment_keys (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name           TEXT    NOT NULL CHECK (name <> ''),
    kind           TEXT    NOT NULL CHECK (kind IN ('client', 'server')),
    digest         TEXT    NOT NULL UNIQUE,
    text           TEXT    CHECK (text IS NULL OR kind = 'client'),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    version        INTEGER NOT NULL
) STRICT;
CREATE INDEX environment_keys_by_environment ON environment_keys (environment_id, id);

CREATE TABLE accounts (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    username        TEXT    NOT NULL CHECK (username <> ''),
    username_folded TEXT    NOT NULL UNIQUE,
    role            TEXT    NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    password_hash   TEXT    NOT NULL,
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL
) STRICT;
