-- What these rows say follows from nothing else, so each has a sum over its other columns (rowsum.go): a bit that was
-- flipped on the disk is found. Null in rows that an earlier program wrote; acts and values get theirs when the file is
-- opened, segments are many and stay without.
ALTER TABLE acts ADD COLUMN sum INTEGER;
ALTER TABLE named_values ADD COLUMN sum INTEGER;
ALTER TABLE segments ADD COLUMN sum INTEGER;
