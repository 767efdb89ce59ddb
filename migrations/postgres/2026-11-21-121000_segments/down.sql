DROP TABLE overrides;
DROP TABLE segments;
