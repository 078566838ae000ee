// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"fmt"

	"zombiezen.com/go/sqlite"
)

// Query runs a prepared question: bind sets its parameters (nil: it has none),
// row reads each row until it returns false. While row runs, the same question
// must not be asked again on this connection.
func Query(conn *sqlite.Conn, question string, bind func(*sqlite.Stmt), row func(*sqlite.Stmt) bool) error {
	stmt, err := conn.Prepare(question)
	if sqlite.ErrCode(err) == sqlite.ResultError { // such as: no such column
		return fmt.Errorf("the tables are not those of their migrations: %w: %w", ErrForeign, err)
	}
	if err != nil {
		return err
	}
	if bind != nil {
		bind(stmt)
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if !row(stmt) {
			return stmt.Reset()
		}
	}
}

// One runs a question that has one row at most and reports whether it had one.
func One(conn *sqlite.Conn, question string, bind, row func(*sqlite.Stmt)) (found bool, err error) {
	err = Query(conn, question, bind, func(stmt *sqlite.Stmt) bool {
		row(stmt)
		found = true
		return false
	})
	return found, err
}

// Write runs a prepared statement that changes something, inside Update. Once a
// write has made SQLite end the transaction, all later ones fail.
func Write(conn *sqlite.Conn, statement string, bind func(*sqlite.Stmt)) error {
	if err := inTransaction(conn); err != nil {
		return err
	}
	return Query(conn, statement, bind, func(*sqlite.Stmt) bool { return true })
}

// Exec runs a prepared statement without parameters.
func Exec(conn *sqlite.Conn, statement string) error {
	return Query(conn, statement, nil, func(*sqlite.Stmt) bool { return true })
}

// Bytes returns a copy of a blob, nil when it is empty or null.
func Bytes(stmt *sqlite.Stmt, column int) []byte {
	n := stmt.ColumnLen(column)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	stmt.ColumnBytes(column, b)
	return b
}

func inTransaction(conn *sqlite.Conn) error {
	if conn.AutocommitEnabled() {
		return errEnded
	}
	return nil
}
