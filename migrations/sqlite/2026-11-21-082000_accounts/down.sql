DROP TABLE tokens;
DROP TABLE sessions;
ALTER TABLE accounts DROP COLUMN last_login_at;
ALTER TABLE accounts DROP COLUMN password_changed_at;
