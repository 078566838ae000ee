-- Rows of the replica, by bucket and key. Heads are in clear and never personal.
-- Narrow, so that lists of heads are read from few pages.
CREATE TABLE rows (
	bucket INTEGER NOT NULL,
	key BLOB NOT NULL,
	head BLOB NOT NULL,
	body INTEGER, -- bodies.id; null: the row has none
	PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;

-- Bodies, each sealed for the bucket and key of its row.
CREATE TABLE bodies (
	id INTEGER PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT;

-- What the tablet notes beside the replica: never personal.
CREATE TABLE notes (
	name TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
