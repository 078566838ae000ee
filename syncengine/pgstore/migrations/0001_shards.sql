-- Many shards in one database, each with rows of its own: the shard is the first column of every key, so that an engine that
-- spreads tables over machines by it keeps a shard in one place. Only what every engine on PostgreSQL's wire has is used. Numbers
-- are those of the Go packages; counters are 8 bytes big-endian, so that their whole range sorts; divisions are bytes, so that no
-- collation orders them.

-- One row per shard: whoever writes locks it first and holds it to the commit, so positions, leaves and refs are assigned by one
-- writer at a time. tried names the last transaction: after a commit whose answer was lost it says whether it happened.
CREATE TABLE xz_shards (
	shard    BYTEA  NOT NULL PRIMARY KEY,
	size     BIGINT NOT NULL, -- leaves
	last_ref BIGINT NOT NULL,
	tried    BYTEA  NOT NULL
);

CREATE TABLE xz_records (
	shard     BYTEA    NOT NULL,
	id        BYTEA    NOT NULL,
	ref       BIGINT   NOT NULL,
	position  BIGINT   NOT NULL, -- 0: not in the feed
	kind      INTEGER  NOT NULL, -- as inside the id
	class     SMALLINT NOT NULL,
	flags     SMALLINT NOT NULL,
	divisions BYTEA    NOT NULL, -- ascending, a space before each
	subject   BYTEA    NOT NULL, -- empty: none
	places    BYTEA    NOT NULL,
	state     BYTEA    NOT NULL,
	PRIMARY KEY (shard, id)
);

-- The feed with what records are chosen by: what is not asked for is passed over without its row.
CREATE INDEX xz_records_feed ON xz_records (shard, position, ref, class, kind, flags, divisions);

CREATE INDEX xz_records_subject ON xz_records (shard, subject, position);

CREATE TABLE xz_departures (
	shard    BYTEA    NOT NULL,
	record   BYTEA    NOT NULL,
	division BYTEA    NOT NULL,
	class    SMALLINT NOT NULL,
	position BIGINT   NOT NULL,
	PRIMARY KEY (shard, record, division)
);

CREATE INDEX xz_departures_feed ON xz_departures (shard, position);

CREATE TABLE xz_sums (
	shard    BYTEA    NOT NULL,
	division BYTEA    NOT NULL,
	class    SMALLINT NOT NULL,
	count    BIGINT   NOT NULL,
	total    BYTEA    NOT NULL, -- 32 bytes, big-endian
	PRIMARY KEY (shard, division, class)
);

CREATE TABLE xz_segments (
	shard         BYTEA    NOT NULL,
	leaf          BIGINT   NOT NULL,
	hash          BYTEA    NOT NULL,
	replica       BYTEA    NOT NULL,
	first_counter BYTEA    NOT NULL,
	last_counter  BYTEA    NOT NULL,
	previous      BYTEA    NOT NULL,
	certificate   BYTEA    NOT NULL,
	position      BIGINT   NOT NULL,
	office        SMALLINT NOT NULL,
	class         SMALLINT NOT NULL,
	division      BYTEA    NOT NULL,
	PRIMARY KEY (shard, leaf)
);

CREATE UNIQUE INDEX xz_segments_hash ON xz_segments (shard, hash);

CREATE INDEX xz_segments_chain ON xz_segments (shard, replica, first_counter, leaf);

CREATE INDEX xz_segments_newest ON xz_segments (shard, replica, leaf);

CREATE INDEX xz_segments_office ON xz_segments (shard, office, leaf);

-- Apart from the heads, so that lists of heads stay short to read.
CREATE TABLE xz_segment_bytes (
	shard  BYTEA  NOT NULL,
	leaf   BIGINT NOT NULL,
	stored BYTEA  NOT NULL, -- compressed
	PRIMARY KEY (shard, leaf)
);

CREATE TABLE xz_leaves (
	shard BYTEA  NOT NULL,
	leaf  BIGINT NOT NULL,
	bytes BYTEA  NOT NULL,
	PRIMARY KEY (shard, leaf)
);

CREATE TABLE xz_tree_hashes (
	shard  BYTEA  NOT NULL,
	number BIGINT NOT NULL, -- as package tlog numbers stored hashes
	hash   BYTEA  NOT NULL,
	PRIMARY KEY (shard, number)
);

-- The same act twice is once; a body may be longer than a key can be, so its hash stands in the key.
CREATE TABLE xz_acts (
	shard  BYTEA    NOT NULL,
	family SMALLINT NOT NULL,
	key    BYTEA    NOT NULL,
	dot    BYTEA    NOT NULL, -- 32 bytes; all zero: none
	digest BYTEA    NOT NULL, -- SHA-256 of body
	body   BYTEA    NOT NULL,
	PRIMARY KEY (shard, family, key, dot, digest)
);

CREATE TABLE xz_named_values (
	shard BYTEA NOT NULL,
	name  BYTEA NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (shard, name)
);
