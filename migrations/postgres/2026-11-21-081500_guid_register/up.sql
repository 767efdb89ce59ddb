-- The GUID register: a key may belong to a user, and then may open no environment.
-- A row has a name (a key of an environment) or a user (a record of the register, of which only the digest is kept).

ALTER TABLE environment_keys
    ALTER COLUMN environment_id DROP NOT NULL,
    ALTER COLUMN name DROP NOT NULL,
    ADD COLUMN "user" TEXT COLLATE "C" CHECK ("user" <> ''),
    ADD COLUMN description TEXT,
    ADD CONSTRAINT environment_keys_of_environments
        CHECK (name IS NULL OR (environment_id IS NOT NULL AND "user" IS NULL AND description IS NULL)),
    ADD CONSTRAINT environment_keys_of_users
        CHECK (name IS NOT NULL OR ("user" IS NOT NULL AND kind = 'client' AND text IS NULL AND expires_at IS NOT NULL));

-- Most records of the register open no environment: none of them is in the first index, no key of an environment in the second.
DROP INDEX environment_keys_by_environment;
CREATE INDEX environment_keys_by_environment ON environment_keys (environment_id, id) WHERE environment_id IS NOT NULL;
CREATE INDEX environment_keys_by_expiry ON environment_keys (expires_at) WHERE "user" IS NOT NULL;
