-- What a county's rules find. Ids are 16 bytes; a list of divisions is one text with spaces between them.

CREATE TABLE findings_header (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	file BLOB    NOT NULL CHECK (length(file) = 16), -- random: positions are those of these tables
	last INTEGER NOT NULL -- of the row that was written last
) STRICT;

-- The county's pack that was loaded last, a RulePack; none: that of the program.
CREATE TABLE findings_carried (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	pack BLOB NOT NULL
) STRICT;

-- What is found, by position: a row that says something else moves to the end. about is a record, or a person and a zero
-- byte. gone is empty; else the row says that the one with an empty gone was in this class and division once.
CREATE TABLE findings_rows (
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

CREATE UNIQUE INDEX findings_rows_about ON findings_rows (about, combined, gone);

CREATE INDEX findings_rows_person ON findings_rows (person);

-- The rows by what is in them.
CREATE TABLE findings_found (
	rule     TEXT    NOT NULL,
	position INTEGER NOT NULL,
	severity INTEGER NOT NULL,
	findings INTEGER NOT NULL,
	PRIMARY KEY (rule, position, severity)
) STRICT, WITHOUT ROWID;
