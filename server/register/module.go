// SPDX-License-Identifier: Apache-2.0

package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strings"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Module keeps the register. Key, of 32 bytes, keys the hashes of what is looked up.
type Module struct{ Key []byte }

var _ projection.Module = Module{}

const schema = `
CREATE TABLE register_persons (
	ref       INTEGER PRIMARY KEY,
	id        BLOB NOT NULL UNIQUE,
	sex       INTEGER NOT NULL,
	birth     INTEGER NOT NULL, -- yyyymmdd; 0: not known
	died      INTEGER NOT NULL, -- 0: not
	away      INTEGER NOT NULL, -- since when; 0: not
	residents BLOB NOT NULL,    -- their ids, in order
	divisions TEXT NOT NULL,
	doctors   TEXT NOT NULL,
	name      TEXT NOT NULL,
	names     TEXT NOT NULL,    -- normalised
	spelt     TEXT NOT NULL,    -- as in register_pinyin
	tags      TEXT NOT NULL
) STRICT;
CREATE INDEX register_birth ON register_persons (birth);
CREATE TABLE register_kept (ref INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE TABLE register_tokens (token INTEGER NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY (token, ref)) WITHOUT ROWID, STRICT;
CREATE TABLE register_pinyin (text TEXT NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY (text, ref)) WITHOUT ROWID, STRICT;
CREATE TABLE register_places (division INTEGER NOT NULL, ref INTEGER NOT NULL, PRIMARY KEY (division, ref)) WITHOUT ROWID, STRICT;
CREATE TABLE register_organisations (
	id       BLOB PRIMARY KEY,
	name     TEXT NOT NULL,
	prefixes TEXT NOT NULL -- of the divisions that it serves
) STRICT;
`

const rowColumns = `ref, id, sex, birth, died, away, residents, divisions, doctors, name, names, spelt, tags`

const (
	sqlRefOf    = `SELECT ref FROM register_persons WHERE id = ?1`
	sqlKept     = `SELECT keys FROM register_kept WHERE ref = ?1`
	sqlPutKept  = `INSERT INTO register_kept (ref, keys) VALUES (?1, ?2) ON CONFLICT (ref) DO UPDATE SET keys = excluded.keys`
	sqlDropKept = `DELETE FROM register_kept WHERE ref = ?1`
	sqlDropRow  = `DELETE FROM register_persons WHERE ref = ?1`
	sqlPutRow   = `
		INSERT INTO register_persons (id, sex, birth, died, away, residents, divisions, doctors, name, names, spelt, tags)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
		ON CONFLICT (id) DO UPDATE SET sex = excluded.sex, birth = excluded.birth, died = excluded.died, away = excluded.away,
			residents = excluded.residents, divisions = excluded.divisions, doctors = excluded.doctors, name = excluded.name,
			names = excluded.names, spelt = excluded.spelt, tags = excluded.tags
		RETURNING ref`

	sqlPutToken   = `INSERT INTO register_tokens (token, ref) VALUES (?1, ?2)`
	sqlDropToken  = `DELETE FROM register_tokens WHERE token = ?1 AND ref = ?2`
	sqlPutPinyin  = `INSERT INTO register_pinyin (text, ref) VALUES (?1, ?2)`
	sqlDropPinyin = `DELETE FROM register_pinyin WHERE text = ?1 AND ref = ?2`
	sqlPutPlace   = `INSERT INTO register_places (division, ref) VALUES (?1, ?2)`
	sqlDropPlace  = `DELETE FROM register_places WHERE division = ?1 AND ref = ?2`

	sqlPutOrganisation  = `INSERT INTO register_organisations (id, name, prefixes) VALUES (?1, ?2, ?3)`
	sqlDropOrganisation = `DELETE FROM register_organisations WHERE id = ?1`
)

// Name is part of projection.Module, as are the methods below.
func (Module) Name() string { return "register" }

// Schema returns the tables.
func (Module) Schema() string { return schema }

// Settings names the key: under another one nothing would be found. The day has no part in what the tables say.
func (m Module) Settings() ([32]byte, bool) {
	return sha256.Sum256(append([]byte(version), m.Key...)), false
}

// Settle has nothing to do.
func (Module) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) { return true, nil }

// Look writes what a person, or an organisation, says.
func (m Module) Look(conn *sqlite.Conn, p *projection.Person, _ care.Date) error {
	switch p.ID.Kind() {
	case care.KindResident:
		return m.lookAtPerson(conn, p)
	case care.KindOrganisation:
		return lookAtOrganisation(conn, p)
	}
	return nil
}

func (m Module) lookAtPerson(conn *sqlite.Conn, p *projection.Person) error {
	if p.Fault == projection.FaultRecords || !concerns(p.Only) {
		return nil // what is known of it stays
	}
	now := personOf(p)
	for _, id := range p.Residents {
		if id == p.ID && len(now.residents) > 0 {
			continue // its row is written over
		}
		if err := drop(conn, id); err != nil {
			return err
		}
	}
	if len(now.residents) == 0 {
		return nil
	}
	ref, err := put(conn, now.row(p.ID))
	if err != nil {
		return err
	}
	return change(conn, ref, tokens{m.Key}.keysOf(now))
}

// concerns reports whether what changed can be another here.
func concerns(only projection.Only) bool {
	if only.Records == nil {
		return !only.Day
	}
	for id := range only.Records {
		switch id.Kind() {
		case care.KindResident, care.KindVitalEvent:
			return true
		}
	}
	return false
}

// put writes a person's row and returns its ref, which stays.
func put(conn *sqlite.Conn, r row) (ref int64, err error) {
	err = sqlitefile.Query(conn, sqlPutRow, func(s *sqlite.Stmt) {
		s.BindBytes(1, r.id[:])
		for i, n := range []int64{int64(r.sex), int64(r.birth), int64(r.died), int64(r.left)} {
			s.BindInt64(2+i, n)
		}
		s.BindBytes(6, joinedIDs(r.residents))
		for i, text := range []string{joined(r.divisions), joined(r.doctors), r.name, joined(r.names), joined(r.spelt), encodeTags(r.tags)} {
			s.BindText(7+i, text)
		}
	}, func(s *sqlite.Stmt) bool {
		ref = s.ColumnInt64(0)
		return true
	})
	return ref, err
}

// drop takes a person out of the register, if it is in it.
func drop(conn *sqlite.Conn, id record.ID) error {
	var ref int64
	ok, err := sqlitefile.One(conn, sqlRefOf, func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }, func(s *sqlite.Stmt) { ref = s.ColumnInt64(0) })
	if err != nil || !ok {
		return err
	}
	if err := change(conn, ref, keys{}); err != nil {
		return err
	}
	for _, statement := range []string{sqlDropKept, sqlDropRow} {
		if err := sqlitefile.Write(conn, statement, func(s *sqlite.Stmt) { s.BindInt64(1, ref) }); err != nil {
			return err
		}
	}
	return nil
}

// change puts keys in place of those that a ref has.
func change(conn *sqlite.Conn, ref int64, now keys) error {
	var kept []byte
	_, err := sqlitefile.One(conn, sqlKept, func(s *sqlite.Stmt) { s.BindInt64(1, ref) }, func(s *sqlite.Stmt) { kept = sqlitefile.Bytes(s, 0) })
	if err != nil {
		return err
	}
	encoded := now.encode()
	if bytes.Equal(kept, encoded) {
		return nil
	}
	var before keys
	if len(kept) > 0 {
		if before, err = decodeKeys(kept); err != nil {
			return err
		}
	}
	if err := write(conn, ref, before.without(now), sqlDropToken, sqlDropPinyin, sqlDropPlace); err != nil {
		return err
	}
	if err := write(conn, ref, now.without(before), sqlPutToken, sqlPutPinyin, sqlPutPlace); err != nil {
		return err
	}
	return sqlitefile.Write(conn, sqlPutKept, func(s *sqlite.Stmt) {
		s.BindInt64(1, ref)
		s.BindBytes(2, encoded)
	})
}

func write(conn *sqlite.Conn, ref int64, k keys, token, pinyin, place string) error {
	each := func(statement string, bind func(*sqlite.Stmt)) error {
		return sqlitefile.Write(conn, statement, func(s *sqlite.Stmt) {
			bind(s)
			s.BindInt64(2, ref)
		})
	}
	for _, v := range k.tokens {
		if err := each(token, func(s *sqlite.Stmt) { s.BindInt64(1, v) }); err != nil {
			return err
		}
	}
	for _, v := range k.pinyin {
		if err := each(pinyin, func(s *sqlite.Stmt) { s.BindText(1, v) }); err != nil {
			return err
		}
	}
	for _, v := range k.places {
		if err := each(place, func(s *sqlite.Stmt) { s.BindInt64(1, v) }); err != nil {
			return err
		}
	}
	return nil
}

func lookAtOrganisation(conn *sqlite.Conn, p *projection.Person) error {
	err := sqlitefile.Write(conn, sqlDropOrganisation, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) })
	if err != nil || p.Rules == nil {
		return err
	}
	for _, e := range p.Rules.Entries() {
		form, ok := e.Form.(*carev1.Organisation)
		if !ok || form.GetName() == "" || len(form.GetDivisionPrefixes()) == 0 {
			continue
		}
		err := sqlitefile.Write(conn, sqlPutOrganisation, func(s *sqlite.Stmt) {
			s.BindBytes(1, e.ID[:])
			s.BindText(2, care.NormaliseName(form.GetName()))
			s.BindText(3, strings.Join(form.GetDivisionPrefixes(), parting))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// columnRow reads a row, and no more of it than its numbers where those are not wanted; then it returns false.
func columnRow(s *sqlite.Stmt, wanted func(row) bool) (r row, ok bool, err error) {
	r = row{
		ref: s.ColumnInt64(0), sex: carev1.Sex(s.ColumnInt32(2)), birth: care.Date(s.ColumnInt64(3)), died: care.Date(s.ColumnInt64(4)),
		left: care.Date(s.ColumnInt64(5)),
	}
	if !wanted(r) {
		return r, false, nil
	}
	r.residents, r.divisions = partedIDs(sqlitefile.Bytes(s, 6)), parted[record.Division](s.ColumnText(7))
	r.doctors, r.name, r.names = parted[string](s.ColumnText(8)), s.ColumnText(9), parted[string](s.ColumnText(10))
	r.spelt = parted[string](s.ColumnText(11))
	s.ColumnBytes(1, r.id[:])
	r.tags, err = decodeTags(s.ColumnText(12))
	return r, true, err
}
