-- The GUID register: a key may belong to a user, and then may open no environment. SQLite cannot take a NOT NULL back, so
-- the table is made anew; ids that were given are never given again.
-- A row has a name (a key of an environment) or a user (a record of the register, of which only the digest is kept).

CREATE TABLE keys_anew (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER REFERENCES environments (id) ON DELETE CASCADE,
    name           TEXT    CHECK (name <> ''),
    "user"         TEXT    CHECK ("user" <> ''),
    description    TEXT,
    kind           TEXT    NOT NULL CHECK (kind IN ('client', 'server')),
    digest         TEXT    NOT NULL UNIQUE,
    text           TEXT    CHECK (text IS NULL OR kind = 'client'),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    version        INTEGER NOT NULL,
    CHECK (name IS NULL OR (environment_id IS NOT NULL AND "user" IS NULL AND description IS NULL)),
    CHECK (name IS NOT NULL OR ("user" IS NOT NULL AND kind = 'client' AND text IS NULL AND expires_at IS NOT NULL))
) STRICT;
INSERT INTO sqlite_sequence (name, seq) SELECT 'keys_anew', seq FROM sqlite_sequence WHERE name = 'environment_keys';
INSERT INTO keys_anew (id, environment_id, name, kind, digest, text, created_at, expires_at, version)
SELECT id, environment_id, name, kind, digest, text, created_at, expires_at, version FROM environment_keys ORDER BY id;
DROP TABLE environment_keys;
ALTER TABLE keys_anew RENAME TO environment_keys;

-- Most records of the register open no environment: none of them is in the first index, no key of an environment in the second.
CREATE INDEX environment_keys_by_environment ON environment_keys (environment_id, id) WHERE environment_id IS NOT NULL;
CREATE INDEX environment_keys_by_expiry ON environment_keys (expires_at) WHERE "user" IS NOT NULL;
