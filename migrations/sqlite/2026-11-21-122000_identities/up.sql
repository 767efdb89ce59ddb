-- What is remembered of identities, and how often features were used. Traces of use: no part of the change log.
-- "digest" is the SHA-256 of the identifier, which may be too long for an index. "traits" is a JSON object, "seen_at" when the row
-- was last written, which follows a visit within the hour.
CREATE TABLE identities (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    digest         TEXT    NOT NULL,
    identifier     TEXT    NOT NULL CHECK (identifier <> ''),
    traits         TEXT    NOT NULL,
    seen_at        INTEGER NOT NULL,
    UNIQUE (environment_id, digest)
) STRICT;
CREATE INDEX identities_by_sight ON identities (seen_at, id);

-- "hour" is when the hour began.
CREATE TABLE usage (
    environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    feature_id     INTEGER NOT NULL REFERENCES features (id) ON DELETE CASCADE,
    hour           INTEGER NOT NULL,
    count          INTEGER NOT NULL CHECK (count > 0),
    last_used_at   INTEGER NOT NULL,
    PRIMARY KEY (environment_id, feature_id, hour)
) STRICT;
CREATE INDEX usage_by_feature ON usage (feature_id, last_used_at);
CREATE INDEX usage_by_hour ON usage (hour);

INSERT INTO compatible_migrations (version) VALUES ('20261121122000');
