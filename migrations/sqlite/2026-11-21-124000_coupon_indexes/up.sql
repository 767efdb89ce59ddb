-- What no feature shows or hides is listed by its expiry without a look at the rest, and a feature's coupons are found.
-- One index for both: SQLite reads rows without a feature from it in the order of expiry.
CREATE INDEX coupons_by_feature ON coupons (feature_id, expire_at, id);

INSERT INTO compatible_migrations (version) VALUES ('20261121124000');
