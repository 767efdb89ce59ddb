DELETE FROM compatible_migrations WHERE version = '20261121123000';

ALTER TABLE rate_days DROP COLUMN told_at;
