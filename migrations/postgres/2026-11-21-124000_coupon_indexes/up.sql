-- What no feature shows or hides is listed by its expiry without a look at the rest, and a feature's coupons are found.
-- Two indexes, since PostgreSQL does not know that rows without a feature are sorted in one of both.
CREATE INDEX coupons_by_feature ON coupons (feature_id) WHERE feature_id IS NOT NULL;
CREATE INDEX coupons_of_no_feature ON coupons (expire_at, id) WHERE feature_id IS NULL;

INSERT INTO compatible_migrations (version) VALUES ('20261121124000');
