-- What everybody's list holds is found in the order of its ids; `coupons_of_no_feature` has it in the order of expiry.
CREATE INDEX coupons_for_everybody ON coupons (id) WHERE feature_id IS NULL;

INSERT INTO compatible_migrations (version) VALUES ('20261121125000');
