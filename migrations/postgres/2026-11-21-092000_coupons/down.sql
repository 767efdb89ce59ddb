DELETE FROM compatible_migrations WHERE version = '20261121092000';
DROP TABLE coupon_redemptions;
DROP TABLE coupons;
