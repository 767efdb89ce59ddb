-- guid_register: the records of the register go, the keys of environments stay.

DELETE FROM environment_keys WHERE "user" IS NOT NULL;
DROP INDEX environment_keys_by_expiry;
DROP INDEX environment_keys_by_environment;
ALTER TABLE environment_keys
    DROP CONSTRAINT environment_keys_of_users,
    DROP CONSTRAINT environment_keys_of_environments,
    DROP COLUMN description,
    DROP COLUMN "user",
    ALTER COLUMN name SET NOT NULL,
    ALTER COLUMN environment_id SET NOT NULL;
CREATE INDEX environment_keys_by_environment ON environment_keys (environment_id, id);
