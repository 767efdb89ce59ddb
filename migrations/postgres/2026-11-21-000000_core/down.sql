DROP TABLE accounts;
DROP TABLE environment_keys;
DROP TABLE flags;
DROP TABLE features;
DROP TABLE environments;
DROP TABLE changes;
DROP TABLE log_head;
DROP FUNCTION changes_are_kept();
