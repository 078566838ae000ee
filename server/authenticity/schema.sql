-- What a person's evidence was made of, so that whoever has the same is passed over.
CREATE TABLE authenticity_persons (
	person BLOB PRIMARY KEY,
	digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One visit a row: what rules compare of it.
CREATE TABLE authenticity_visits (
	doctor  TEXT NOT NULL,
	year    INTEGER NOT NULL, -- of the day of service
	record  BLOB NOT NULL,
	person  BLOB NOT NULL,
	content BLOB NOT NULL,
	PRIMARY KEY (doctor, year, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX authenticity_visits_person ON authenticity_visits (person);

-- What persons may have in common, by its hash.
CREATE TABLE authenticity_keys (
	kind    INTEGER NOT NULL,
	hash    INTEGER NOT NULL,
	record  BLOB NOT NULL,
	person  BLOB NOT NULL,
	content BLOB NOT NULL,
	PRIMARY KEY (kind, hash, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX authenticity_keys_person ON authenticity_keys (person);

-- Where households live, and when staff is on the list.
CREATE TABLE authenticity_homes (
	household BLOB PRIMARY KEY,
	latitude  INTEGER NOT NULL, -- millionths of a degree
	longitude INTEGER NOT NULL,
	accuracy  INTEGER NOT NULL, -- m
	system    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE authenticity_posts (
	record BLOB NOT NULL,
	staff  TEXT NOT NULL,
	since  INTEGER NOT NULL,
	until  INTEGER NOT NULL -- 0: open
) STRICT;
CREATE INDEX authenticity_posts_record ON authenticity_posts (record);
CREATE INDEX authenticity_posts_staff ON authenticity_posts (staff, since, until);

-- What is to be looked at anew: a doctor's year, something shared, a quarter's tests.
CREATE TABLE authenticity_due (
	stage  INTEGER NOT NULL, -- 1 shared, 2 doctor's year, 3 quarter: in this order
	name   TEXT NOT NULL,
	number INTEGER NOT NULL, -- hash, year or quarter
	PRIMARY KEY (stage, name, number)
) STRICT, WITHOUT ROWID;

-- The tests of each doctor and quarter, whether they stand or not.
CREATE TABLE authenticity_tests (
	quarter   INTEGER NOT NULL,
	doctor    TEXT NOT NULL,
	rule      TEXT NOT NULL,
	n         INTEGER NOT NULL,
	statistic REAL NOT NULL,
	df        REAL NOT NULL,
	p         REAL NOT NULL,
	q         REAL NOT NULL, -- 0: not weighed yet
	large     INTEGER NOT NULL,
	finding   BLOB NOT NULL, -- what it would be, where it is large
	PRIMARY KEY (quarter, doctor, rule)
) STRICT, WITHOUT ROWID;

-- What is found. The newest has the greatest number.
CREATE TABLE authenticity_found (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	id       BLOB NOT NULL UNIQUE,
	source   TEXT NOT NULL, -- what was looked at
	rule     TEXT NOT NULL,
	severity INTEGER NOT NULL,
	doctor   TEXT NOT NULL,
	quarter  INTEGER NOT NULL,
	class    INTEGER NOT NULL,
	content  BLOB NOT NULL
) STRICT;
CREATE INDEX authenticity_found_source ON authenticity_found (source);
CREATE INDEX authenticity_found_rule ON authenticity_found (rule, number);
CREATE INDEX authenticity_found_doctor ON authenticity_found (doctor, number);
CREATE TABLE authenticity_where (
	number   INTEGER NOT NULL,
	division TEXT NOT NULL,
	PRIMARY KEY (number, division)
) STRICT, WITHOUT ROWID;
CREATE TABLE authenticity_about (
	person BLOB NOT NULL,
	number INTEGER NOT NULL,
	PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX authenticity_about_number ON authenticity_about (number);

-- What the office made of findings.
CREATE TABLE authenticity_rulings (
	finding  BLOB PRIMARY KEY,
	decision INTEGER NOT NULL,
	content  BLOB NOT NULL -- an AuthenticityRuling
, author TEXT NOT NULL) STRICT, WITHOUT ROWID;
