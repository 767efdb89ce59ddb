-- When the source last told of a day, whether or not that replaced anything: a run that was cut off does not ask again.
ALTER TABLE rate_days ADD COLUMN told_at BIGINT;

INSERT INTO compatible_migrations (version) VALUES ('20261121123000');
