-- Who is a person, what of the feed was read, and who is to be looked at by which module. Everything here, and in the
-- modules' own tables, follows from the county's store: it may be deleted, and comes back. Ids are 16 bytes.

CREATE TABLE header (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	epoch    TEXT    NOT NULL,
	position INTEGER NOT NULL, -- of the feed: what it says up to here is in the tables below
	chosen   TEXT    NOT NULL  -- the kinds whose records are in the table chosen
) STRICT;

-- The modules whose tables are here. Everybody was looked at with these settings on this day when sweep is null; else those
-- whose residents are not behind sweep, and those whose records have changed since.
CREATE TABLE modules (
	name     TEXT    NOT NULL PRIMARY KEY,
	schema   BLOB    NOT NULL CHECK (length(schema) = 32), -- SHA-256 of its statements
	settings BLOB, -- null: it had none yet
	day      INTEGER NOT NULL, -- yyyymmdd; 0: none yet
	sweep    BLOB,
	only_day INTEGER NOT NULL -- 1: of the sweep only the day is new
) STRICT, WITHOUT ROWID;

-- Whose a record is. The subject of a record that has none is the record itself. receipts.go has the form of receipts.
CREATE TABLE records (
	subject  BLOB NOT NULL CHECK (length(subject) = 16),
	id       BLOB NOT NULL CHECK (length(id) = 16),
	receipts BLOB NOT NULL,
	PRIMARY KEY (subject, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX records_id ON records (id);

-- Who saved revisions: receipts name them by number. A number is never given to another.
CREATE TABLE savers (
	number  INTEGER PRIMARY KEY,
	replica BLOB NOT NULL CHECK (length(replica) = 16),
	author  TEXT NOT NULL,
	UNIQUE (replica, author)
) STRICT;

-- Where residents, and records about nobody, are.
CREATE TABLE homes (
	division TEXT NOT NULL,
	subject  BLOB NOT NULL CHECK (length(subject) = 16),
	PRIMARY KEY (division, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX homes_subject ON homes (subject);

-- The links that say of two residents that they are one person.
CREATE TABLE links (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	a  BLOB NOT NULL CHECK (length(a) = 16),
	b  BLOB NOT NULL CHECK (length(b) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX links_a ON links (a);

CREATE INDEX links_b ON links (b);

-- The records by which modules choose their settings.
CREATE TABLE chosen (
	kind INTEGER NOT NULL,
	id   BLOB    NOT NULL CHECK (length(id) = 16),
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Residents whose records or links changed and who were not looked at since, those that wait longest first.
CREATE TABLE queue (
	turn     INTEGER PRIMARY KEY,
	resident BLOB    NOT NULL UNIQUE CHECK (length(resident) = 16),
	whole    INTEGER NOT NULL -- 0: only the records in changed have changed
) STRICT;

CREATE TABLE changed (
	resident BLOB NOT NULL CHECK (length(resident) = 16),
	record   BLOB NOT NULL CHECK (length(record) = 16),
	PRIMARY KEY (resident, record)
) STRICT, WITHOUT ROWID;

-- At whom a module failed, and when it tries again.
CREATE TABLE failed (
	person BLOB    NOT NULL CHECK (length(person) = 16),
	module TEXT    NOT NULL,
	again  INTEGER NOT NULL, -- milliseconds since 1970
	tries  INTEGER NOT NULL,
	PRIMARY KEY (person, module)
) STRICT, WITHOUT ROWID;

CREATE INDEX failed_again ON failed (again);
