// SPDX-License-Identifier: Apache-2.0

package assessment

// tables are what the module keeps. Facts stand in a table of their own with integer keys, since
// they are blobs; where a person may count in a narrow one beside it.
const tables = `
-- What counts of one person, or of one record that is about nobody: kind is 0 for a person. home
-- is where it is first looked for.
CREATE TABLE assessment_facts (
	id     INTEGER PRIMARY KEY,
	person BLOB    NOT NULL UNIQUE CHECK (length(person) = 16),
	home   TEXT    NOT NULL,
	kind   INTEGER NOT NULL,
	facts  BLOB    NOT NULL
) STRICT;

CREATE INDEX assessment_facts_kind ON assessment_facts (kind) WHERE kind > 0;

-- Where somebody may count. home is 1 in one row of each.
CREATE TABLE assessment_places (
	division TEXT    NOT NULL,
	person   BLOB    NOT NULL CHECK (length(person) = 16),
	home     INTEGER NOT NULL,
	PRIMARY KEY (division, person)
) STRICT, WITHOUT ROWID;

-- Records that say what units are called, what they are to reach, who answers, what was frozen.
CREATE TABLE assessment_papers (
	record BLOB    NOT NULL PRIMARY KEY CHECK (length(record) = 16),
	kind   INTEGER NOT NULL,
	form   BLOB    NOT NULL
) STRICT;

CREATE INDEX assessment_papers_kind ON assessment_papers (kind);

-- Counts of all standard windows on a day with some settings. Until it is done only those at
-- homes up to (division, person) are in it.
CREATE TABLE assessment_generations (
	generation INTEGER PRIMARY KEY,
	day        INTEGER NOT NULL, -- yyyymmdd
	settings   BLOB    NOT NULL,
	division   TEXT    NOT NULL,
	person     BLOB    NOT NULL,
	done       INTEGER NOT NULL
) STRICT;

-- window and code are places in the lists of windowsOn and of indicators.All.
CREATE TABLE assessment_tallies (
	generation  INTEGER NOT NULL,
	window      INTEGER NOT NULL,
	code        INTEGER NOT NULL,
	division    TEXT    NOT NULL,
	doctor      TEXT    NOT NULL,
	numerator   INTEGER NOT NULL,
	denominator INTEGER NOT NULL,
	amount      INTEGER NOT NULL,
	PRIMARY KEY (generation, window, code, division, doctor)
) STRICT, WITHOUT ROWID;
`
