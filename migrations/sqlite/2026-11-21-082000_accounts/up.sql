-- More accounts than the first administrator: when somebody last signed in, and what accounts are entered by.

ALTER TABLE accounts ADD COLUMN password_changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE accounts SET password_changed_at = created_at;
ALTER TABLE accounts ADD COLUMN last_login_at INTEGER;

-- Of the text in a session's cookie only the digest is kept, and so of a token's.
CREATE TABLE sessions (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    digest       TEXT    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE tokens (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name         TEXT    NOT NULL CHECK (name <> ''),
    digest       TEXT    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    version      INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_by_account ON tokens (account_id, id);
