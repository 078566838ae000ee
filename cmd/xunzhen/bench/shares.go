// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// shares measures what of an upload is owed to evidence: the signatures and Merkle
// roots of segments, and the ledger with its tree. Both are done here with the segments
// of the last upload, apart from everything else, while the server rests.
func (s *run) shares(context.Context) (err error) {
	if s.got.signatures, err = s.spent(s.last, (*run).checkAll); err != nil {
		return err
	}
	s.got.ledger, err = s.spent(s.last, (*run).enterAll)
	return err
}

// spent returns how many records the segments have and what do takes of this
// process's time for them.
func (s *run) spent(work [][]sealed, do func(*run, [][]sealed) error) (rate, error) {
	before, err := processorTime(os.Getpid())
	if err != nil {
		return rate{}, err
	}
	if err := do(s, work); err != nil {
		return rate{}, err
	}
	after, err := processorTime(os.Getpid())
	return rate{n: len(records(work)), cpu: after - before}, err
}

// checkAll opens every segment, which hashes its revisions, and checks its signature.
func (s *run) checkAll(work [][]sealed) error {
	for i, segments := range work {
		for _, one := range segments {
			seg, err := segment.Open(one.wire)
			if err != nil {
				return err
			}
			if err := seg.Verify(s.devices[i].publicKey()); err != nil {
				return err
			}
		}
	}
	return nil
}

// enterAll enters every segment into a ledger beside the floor: a leaf and the hashes
// it completes, one transaction for all of a device.
func (s *run) enterAll(work [][]sealed) error {
	l := &bareLedger{floor: s.floor, now: s.o.Clock()}
	if err := l.open(); err != nil {
		return err
	}
	for _, segments := range work {
		if err := l.enter(segments); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}

// bareLedger is a ledger and nothing else.
type bareLedger struct {
	floor  *floor
	now    time.Time
	size   ledger.Size
	hashes []tlog.Hash
}

func (l *bareLedger) open() error {
	return sqlitex.ExecuteScript(l.floor.conn, `
		CREATE TABLE IF NOT EXISTS leaves (leaf INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
		CREATE TABLE IF NOT EXISTS tree_hashes (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
	`, nil)
}

// ReadHashes answers from memory, as the engine does for the edge of its tree.
func (l *bareLedger) ReadHashes(numbers []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(numbers))
	for i, n := range numbers {
		if n >= int64(len(l.hashes)) {
			return nil, errors.New("no such hash")
		}
		out[i] = l.hashes[n]
	}
	return out, nil
}

func (l *bareLedger) enter(segments []sealed) (err error) {
	end, err := sqlitex.ImmediateTransaction(l.floor.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for _, one := range segments {
		verdicts := make([]ledger.Verdict, len(one.records))
		for i := range verdicts {
			verdicts[i] = ledger.Admitted
		}
		leaf := ledger.Leaf{Segment: segment.Hash(one.wire[:32]), ReceivedAt: l.now, Verdicts: verdicts}.Encode()
		hashes, err := ledger.Append(l, l.size, leaf)
		if err != nil {
			return err
		}
		if err := l.put(leaf, hashes); err != nil {
			return err
		}
	}
	return nil
}

func (l *bareLedger) put(leaf []byte, hashes []tlog.Hash) error {
	if err := l.insert("INSERT INTO leaves (leaf, bytes) VALUES (?1, ?2)", int64(l.size), leaf); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := l.insert("INSERT INTO tree_hashes (number, hash) VALUES (?1, ?2)", int64(len(l.hashes)), h[:]); err != nil {
			return err
		}
		l.hashes = append(l.hashes, h)
	}
	l.size++
	return nil
}

func (l *bareLedger) insert(sql string, number int64, bytes []byte) error {
	stmt, err := l.floor.conn.Prepare(sql)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, number)
	stmt.BindBytes(2, bytes)
	_, err = stmt.Step()
	return err
}

// percentOf returns how much of what a record costs in r goes to share.
func (r rate) percentOf(share rate) float64 { return 100 * r.perCPU() / share.perCPU() }
