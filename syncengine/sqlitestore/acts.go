// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Both by the primary key, which is the order too.
const (
	sqlActs = `SELECT key, dot, body FROM acts WHERE family = ?1 ORDER BY key, dot, body`

	sqlActsAbout = `SELECT key, dot, body FROM acts WHERE family = ?1 AND key = ?2 ORDER BY dot, body`
)

const sqlPutAct = `
	INSERT INTO acts (family, key, dot, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)
	ON CONFLICT DO NOTHING`

const sqlValue = `SELECT value FROM named_values WHERE name = ?1`

const sqlPutValue = `
	INSERT INTO named_values (name, value, sum) VALUES (?1, ?2, ?3)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum`

func (r reader) Acts(f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
	question := sqlActs
	if key != nil {
		question = sqlActsAbout
	}
	var out []syncengine.Act
	var failed error
	err := sqlitefile.Query(r.conn, question, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(f))
		if key != nil {
			s.BindBytes(2, key)
		}
	}, func(s *sqlite.Stmt) bool {
		a := syncengine.Act{Family: f, Key: sqlitefile.Bytes(s, 0), Body: sqlitefile.Bytes(s, 2)}
		a.Dot, _, failed = causal.DecodeDot(sqlitefile.Bytes(s, 1))
		out = append(out, a)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return out, err
}

func (t tx) PutAct(a syncengine.Act) error {
	return t.write(afterAct, sqlPutAct, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(a.Family))
		s.BindBytes(2, a.Key)
		s.BindBytes(3, a.Dot.Append(nil))
		s.BindBytes(4, a.Body)
		s.BindInt64(5, actSum(a))
	})
}

func (r reader) Value(name string) (value []byte, found bool, err error) {
	found, err = sqlitefile.One(
		r.conn, sqlValue,
		func(s *sqlite.Stmt) { s.BindText(1, name) },
		func(s *sqlite.Stmt) { value = sqlitefile.Bytes(s, 0) },
	)
	return value, found, err
}

func (t tx) PutValue(name string, value []byte) error {
	return t.write(afterValue, sqlPutValue, func(s *sqlite.Stmt) {
		s.BindText(1, name)
		s.BindBytes(2, value)
		s.BindInt64(3, valueSum(name, value))
	})
}
