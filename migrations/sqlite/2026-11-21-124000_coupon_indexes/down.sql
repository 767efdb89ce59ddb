DELETE FROM compatible_migrations WHERE version = '20261121124000';

DROP INDEX coupons_by_feature;
