// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	usualPage = 500
	// MaxPage is the most sets that a page has.
	MaxPage = 2000
	// maxPageBytes is about where a page ends, in bytes of its contents.
	maxPageBytes = 1 << 20
	// maxScanned is after how many rows a page ends that has found few in its scope: a page is
	// a piece of work that others wait for.
	maxScanned = 20_000
	// maxScope bounds the divisions times the classes of a caller.
	maxScope = 1024
)

// Page is a part of what changed in a scope.
type Page struct {
	Sets     []Set // in order of position; one without findings: what was said before holds no more
	Cursor   []byte
	Anew     bool // the cursor did not hold: what was kept before is to be dropped
	Complete bool // there is no more
	Basis    Basis
}

// By the rowid.
const sqlPage = `SELECT ` + columns + ` FROM findings_rows WHERE position > ?1 AND position <= ?2 ORDER BY position`

// Pull returns the next page of what changed in a scope, read in one snapshot; limit 0 is the
// usual one. Errors: syncengine.ReasonInvalid for a cursor that is none, ReasonTooMuch, or the file's.
func (f *Findings) Pull(ctx context.Context, scope Scope, from []byte, limit int) (Page, error) {
	c, ok, err := decodeCursor(from)
	if err != nil {
		return Page{}, err
	}
	if len(scope.Divisions)*len(scope.Classes) > maxScope {
		return Page{}, &syncengine.Error{Reason: syncengine.ReasonTooMuch, Doing: "pull findings"}
	}
	if limit <= 0 {
		limit = usualPage
	}
	var out Page
	err = f.view(ctx, func(conn *sqlite.Conn) error {
		h, err := needHeader(conn)
		if err != nil {
			return err
		}
		if ok = ok && c.holds(h, scope); !ok {
			c = cursor{file: h.file, scope: scope.id(), fresh: h.last}
		}
		p := pager{conn: conn, scope: scope, limit: min(limit, MaxPage), cursor: c, out: Page{Anew: !ok && len(from) > 0}}
		if err := p.read(h.last); err != nil {
			return err
		}
		out = p.out
		out.Cursor = p.cursor.encode()
		out.Basis, err = f.basis(conn)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("pull findings: %w", err)
	}
	return out, nil
}

// pager makes one page.
type pager struct {
	conn   *sqlite.Conn
	scope  Scope
	limit  int
	cursor cursor
	out    Page
	size   int
}

// read reads rows until the page is full or end is reached.
func (p *pager) read(end Position) error {
	scanned, full := 0, false
	var failed error
	err := sqlitefile.Query(p.conn, sqlPage, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(p.cursor.position))
		s.BindInt64(2, int64(end))
	}, func(s *sqlite.Stmt) bool {
		r := columnRow(s)
		if failed = p.add(r); failed != nil {
			return false
		}
		p.cursor.position = r.position
		scanned++
		full = len(p.out.Sets) >= p.limit || p.size >= maxPageBytes || scanned >= maxScanned
		return !full
	})
	if err != nil || failed != nil {
		return firstOf(err, failed)
	}
	if !full {
		p.cursor.position, p.out.Complete = end, true
	}
	return nil
}

// add adds a row that the caller has to hear of.
func (p *pager) add(r row) error {
	if r.findings == 0 && r.position <= p.cursor.fresh || !p.scope.sees(r.class, splitDivisions(r.divisions)) {
		return nil
	}
	if r.gone != "" {
		live, ok, err := (writing{conn: p.conn}).about(r, "")
		if err != nil || ok && p.scope.sees(live.class, splitDivisions(live.divisions)) {
			return err // it is still in sight, and has a place of its own
		}
	}
	s, err := r.set()
	if err != nil {
		return err
	}
	p.out.Sets, p.size = append(p.out.Sets, s), p.size+len(r.content)+rowOverhead
	return nil
}

// rowOverhead is what a set takes on the wire beside its content, about.
const rowOverhead = 64

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
