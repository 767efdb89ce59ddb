DELETE FROM compatible_migrations WHERE version = '20261121091000';
DROP TABLE rate_turns;
DROP TABLE rate_days;
