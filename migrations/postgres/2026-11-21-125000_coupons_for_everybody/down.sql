DELETE FROM compatible_migrations WHERE version = '20261121125000';

DROP INDEX coupons_for_everybody;
