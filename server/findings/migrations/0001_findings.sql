-- What a county's rules find. Everything here follows from the county's store: it may be deleted, and comes back. Ids are
-- 16 bytes; a list of divisions is one text with spaces between them.

-- What the file is of. The pack and the day are those of all rows when sweep is null; else of those whose residents are
-- not behind sweep, and of those whose records have changed since.
CREATE TABLE header (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	file     BLOB    NOT NULL CHECK (length(file) = 16), -- random: positions are this file's
	epoch    TEXT    NOT NULL,
	position INTEGER NOT NULL, -- of the feed: what it says up to here is in the tables below
	last     INTEGER NOT NULL, -- of the row that was written last
	pack     BLOB    NOT NULL, -- SHA-256 of the rule pack; empty: none was tried yet
	day      INTEGER NOT NULL, -- yyyymmdd
	sweep    BLOB,
	daily    INTEGER NOT NULL, -- 1: of the sweep only the day is new
	carried  BLOB -- the county's pack that was loaded last, a RulePack; null: that of the program
) STRICT;

-- Whose a record is. The subject of a record that has none is the record itself.
CREATE TABLE records (
	id      BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	subject BLOB NOT NULL CHECK (length(subject) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX records_subject ON records (subject, id);

-- The links that say of two residents that they are one person.
CREATE TABLE links (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	a  BLOB NOT NULL CHECK (length(a) = 16),
	b  BLOB NOT NULL CHECK (length(b) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX links_a ON links (a);

CREATE INDEX links_b ON links (b);

-- The records of the kind rule_pack.
CREATE TABLE packs (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16)
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

-- What is found, by position: a row that says something else moves to the end. about is a record, or a person and a zero
-- byte. gone is empty; else the row says that the one with an empty gone was in this class and division once.
CREATE TABLE rows (
	position  INTEGER PRIMARY KEY,
	about     BLOB    NOT NULL,
	combined  INTEGER NOT NULL,
	gone      TEXT    NOT NULL,
	person    BLOB    NOT NULL CHECK (length(person) = 16),
	class     INTEGER NOT NULL,
	divisions TEXT    NOT NULL,
	findings  INTEGER NOT NULL, -- how many; 0: it is closed
	changed   INTEGER NOT NULL, -- the day on which it came to say this
	content   BLOB    NOT NULL  -- content.go has its form
) STRICT;

CREATE UNIQUE INDEX rows_about ON rows (about, combined, gone);

CREATE INDEX rows_person ON rows (person);

-- The rows by what is in them.
CREATE TABLE found (
	rule     TEXT    NOT NULL,
	position INTEGER NOT NULL,
	severity INTEGER NOT NULL,
	findings INTEGER NOT NULL,
	PRIMARY KEY (rule, position, severity)
) STRICT, WITHOUT ROWID;
