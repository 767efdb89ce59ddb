-- Variants of features, how identities are split among them, and what they are hashed with: a hash key for each environment
-- and a seed for each flag, which never change. The program gives each new record its own; what is there gets one here.

ALTER TABLE environments ADD COLUMN hash_key TEXT NOT NULL DEFAULT '';
UPDATE environments SET hash_key = lower(hex(randomblob(16)));

ALTER TABLE features ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
ALTER TABLE features ADD COLUMN stale INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1));

-- The order of the ids is that of the variants' ranges.
CREATE TABLE variants (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    feature_id INTEGER NOT NULL REFERENCES features (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL CHECK (key <> ''),
    value      TEXT    NOT NULL,
    UNIQUE (feature_id, key)
) STRICT;

-- "variants" are shares: [{"variant": "blue", "weight": 30}]. "hash" is what the split is computed with.
ALTER TABLE flags ADD COLUMN variants TEXT NOT NULL DEFAULT '[]';
ALTER TABLE flags ADD COLUMN killed INTEGER NOT NULL DEFAULT 0 CHECK (killed IN (0, 1));
ALTER TABLE flags ADD COLUMN hash TEXT NOT NULL DEFAULT 'md5';
ALTER TABLE flags ADD COLUMN seed TEXT NOT NULL DEFAULT '';
UPDATE flags SET seed = lower(
    hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
    substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))
);
