-- How many transactions have written a shard: several processes may, and each sees by it whether what it remembers still holds.
ALTER TABLE xz_shards ADD COLUMN commits BIGINT NOT NULL DEFAULT 0;
