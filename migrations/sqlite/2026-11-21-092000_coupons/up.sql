-- Coupons, and how often they were redeemed on each day.
-- "store" is a JSON object, "amount" an exact decimal. "feature_id" refers to no row: a coupon whose feature was deleted
-- stays, and stays hidden.
CREATE TABLE coupons (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    category     TEXT,
    couponcode   TEXT NOT NULL CHECK (couponcode <> ''),
    description  TEXT,
    merchant     TEXT,
    title        TEXT NOT NULL CHECK (title <> ''),
    store        TEXT,
    expire_at    INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    amount       TEXT,
    currency     TEXT,
    feature_id   INTEGER,
    version      INTEGER NOT NULL,
    CHECK (expire_at >= published_at),
    CHECK ((amount IS NULL) = (currency IS NULL))
) STRICT;
-- Lists by state are in this order: among many coupons those that are valid cost what they cost alone.
CREATE INDEX coupons_by_expiry ON coupons (expire_at, id);

CREATE TABLE coupon_redemptions (
    coupon_id INTEGER NOT NULL REFERENCES coupons (id) ON DELETE CASCADE,
    date      TEXT NOT NULL,
    count     INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (coupon_id, date)
) STRICT;

INSERT INTO compatible_migrations (version) VALUES ('20261121092000');
