-- One shard. Numbers of replicas, classes, kinds, flags and act families are those of the Go packages; counters are
-- 8 bytes big-endian, so that their whole range sorts; a dot is its 32 canonical bytes.

-- One row per record. The blobs stand last: a question that needs neither stops reading before them. A single division
-- of twelve digits is a number, anything else a text: ascending, with a space before each. Its first replica, the
-- subject and a single division are cut out of the state; cuts says where (cut.go).
CREATE TABLE records (
	ref       INTEGER PRIMARY KEY,
	id        BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
	position  INTEGER, -- null: not in the feed
	class     INTEGER NOT NULL,
	flags     INTEGER NOT NULL,
	divisions ANY     NOT NULL,
	subject   BLOB    CHECK (length(subject) = 16), -- null: none
	cuts      INTEGER NOT NULL,
	places    BLOB    NOT NULL,
	state     BLOB    NOT NULL
) STRICT;

-- The few records that somebody should look at.
CREATE INDEX records_flagged ON records (position, flags) WHERE flags <> 0 AND position IS NOT NULL;

-- The feed. It holds what a record is chosen by, so that what is not asked for is passed over without its row: the
-- kind, the division as a number (null: look at the row), and two bytes of the subject. New entries go to its end. (An
-- index of subjects alone would cost as much as all the rest of a new record: subjects come in no order, so nearly
-- every record would write a page of it.) Where the row has another position, the record has moved on.
CREATE TABLE feed (
	position INTEGER PRIMARY KEY,
	ref      INTEGER NOT NULL,
	kind     INTEGER NOT NULL, -- as inside the id
	division INTEGER,
	subject  INTEGER NOT NULL -- 0 where there is none
) STRICT;

-- The positions, 8 bytes big-endian each, that records have moved on from and feed still has; before: how many are
-- listed in the rows above.
CREATE TABLE feed_left (
	before    INTEGER PRIMARY KEY,
	positions BLOB NOT NULL
) STRICT;

CREATE TABLE departures (
	record   BLOB    NOT NULL CHECK (length(record) = 16),
	division TEXT    NOT NULL,
	class    INTEGER NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (record, division)
) STRICT, WITHOUT ROWID;

CREATE INDEX departures_feed ON departures (position);

CREATE TABLE sums (
	division TEXT    NOT NULL,
	class    INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	total    BLOB    NOT NULL CHECK (length(total) = 32), -- big-endian
	PRIMARY KEY (division, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
	leaf          INTEGER PRIMARY KEY,
	hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
	replica       BLOB    NOT NULL CHECK (length(replica) = 16),
	first_counter BLOB    NOT NULL CHECK (length(first_counter) = 8),
	last_counter  BLOB    NOT NULL CHECK (length(last_counter) = 8),
	previous      BLOB    NOT NULL CHECK (length(previous) = 32),
	certificate   BLOB    NOT NULL CHECK (length(certificate) = 32),
	position      INTEGER NOT NULL,
	office        INTEGER NOT NULL,
	class         INTEGER NOT NULL,
	division      TEXT    NOT NULL
) STRICT;

CREATE INDEX segments_chain ON segments (replica, first_counter, leaf);

CREATE INDEX segments_office ON segments (leaf, class, division) WHERE office = 1;

-- Apart from the heads, so that lists of heads stay short to read.
CREATE TABLE segment_bytes (
	leaf   INTEGER PRIMARY KEY REFERENCES segments (leaf),
	stored BLOB NOT NULL -- compressed
) STRICT;

-- Every replica with a segment, and the most counters that one of its segments spans beyond its first: a search for
-- a counter goes back that far and no further.
CREATE TABLE replicas (
	number  INTEGER PRIMARY KEY, -- states are stored with it in place of the replica
	replica BLOB NOT NULL UNIQUE CHECK (length(replica) = 16),
	span    BLOB NOT NULL CHECK (length(span) = 8)
) STRICT;

CREATE TABLE leaves (
	leaf  INTEGER PRIMARY KEY,
	bytes BLOB NOT NULL
) STRICT;

CREATE TABLE tree_hashes (
	number INTEGER PRIMARY KEY, -- as package tlog numbers stored hashes
	hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- The whole row is the key: the same act twice is once, and rows come in the order in which they are asked for.
CREATE TABLE acts (
	family INTEGER NOT NULL,
	key    BLOB    NOT NULL,
	dot    BLOB    NOT NULL CHECK (length(dot) = 32), -- all zero: none
	body   BLOB    NOT NULL,
	PRIMARY KEY (family, key, dot, body)
) STRICT, WITHOUT ROWID;

CREATE TABLE named_values (
	name  TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
