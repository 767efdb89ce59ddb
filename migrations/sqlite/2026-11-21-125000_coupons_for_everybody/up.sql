-- What everybody's list holds is found in the order of its ids; `coupons_by_feature` has it in the order of expiry.
CREATE INDEX coupons_for_everybody ON coupons (feature_id, id);

INSERT INTO compatible_migrations (version) VALUES ('20261121125000');
