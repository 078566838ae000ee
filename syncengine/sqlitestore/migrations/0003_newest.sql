-- When a replica was last heard of is asked of hundreds at once: one step down this index in place of all its heads.
CREATE INDEX segments_newest ON segments (replica, leaf);
