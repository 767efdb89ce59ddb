DELETE FROM compatible_migrations WHERE version = '20261121124000';

DROP INDEX coupons_of_no_feature;
DROP INDEX coupons_by_feature;
