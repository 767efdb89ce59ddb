-- The migrations that a program which does not know them can work beside, because they only add what it does not need.
-- Each such migration names itself in here; any other ends older programs' writes.
CREATE TABLE compatible_migrations (
    version TEXT NOT NULL PRIMARY KEY
);
