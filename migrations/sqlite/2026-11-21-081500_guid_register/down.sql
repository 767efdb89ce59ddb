-- guid_register: the records of the register go, the keys of environments stay.

CREATE TABLE keys_anew (
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
INSERT INTO sqlite_sequence (name, seq) SELECT 'keys_anew', seq FROM sqlite_sequence WHERE name = 'environment_keys';
INSERT INTO keys_anew (id, environment_id, name, kind, digest, text, created_at, expires_at, version)
SELECT id, environment_id, name, kind, digest, text, created_at, expires_at, version FROM environment_keys
WHERE "user" IS NULL ORDER BY id;
DROP TABLE environment_keys;
ALTER TABLE keys_anew RENAME TO environment_keys;
CREATE INDEX environment_keys_by_environment ON environment_keys (environment_id, id);
