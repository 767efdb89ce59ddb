ALTER TABLE flags DROP COLUMN seed;
ALTER TABLE flags DROP COLUMN hash;
ALTER TABLE flags DROP COLUMN killed;
ALTER TABLE flags DROP COLUMN variants;
DROP TABLE variants;
ALTER TABLE features DROP COLUMN stale;
ALTER TABLE features DROP COLUMN archived;
ALTER TABLE environments DROP COLUMN hash_key;
