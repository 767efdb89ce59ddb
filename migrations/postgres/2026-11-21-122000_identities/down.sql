DELETE FROM compatible_migrations WHERE version = '20261121122000';
DROP TABLE usage;
DROP TABLE identities;
