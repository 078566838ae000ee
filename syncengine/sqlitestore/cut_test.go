// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// TestStatesAreCutAndComeBack puts states that bear what stands elsewhere, and reads
// how long they are in the file and what they are when they come back.
func TestStatesAreCutAndComeBack(t *testing.T) {
	replica, subject := causal.ReplicaID{1, 2, 3}, record.ID{4, 5, 15: 6}
	const division = record.Division("036012100100")
	r, s, d, far := string(replica[:]), string(subject[:]), string(division), strings.Repeat("x", maxCut)
	for name, c := range map[string]struct {
		state     string
		subject   record.ID
		divisions []record.Division
		cut       int // bytes
	}{
		"all three":                      {"ab" + r + "c" + s + "d" + d + "e", subject, []record.Division{division}, 16 + 16 + 12},
		"all three, side by side":        {"ab" + r + s + d, subject, []record.Division{division}, 16 + 16 + 12},
		"no more than the replica":       {"ab" + r, record.ID{}, nil, 16},
		"less than the replica":          {"ab" + r[:15], record.ID{}, nil, 0},
		"another replica":                {"ab" + strings.Repeat("y", 16) + s, subject, nil, 16},
		"the replica elsewhere":          {"abc" + r, record.ID{}, nil, 0},
		"the subject first of all":       {s + "abc", subject, nil, 16},
		"the replica for subject":        {"ab" + r + "c", record.ID(replica), nil, 16},
		"no subject, but zeros":          {"abc" + string(make([]byte, 32)), record.ID{}, nil, 0},
		"the division before the other":  {"ab" + d + s, subject, []record.Division{division}, 16},
		"the division alone":             {"ab" + d, record.ID{}, []record.Division{division}, 12},
		"two divisions":                  {"ab" + d, record.ID{}, []record.Division{division, "360121001001"}, 0},
		"a division that is no code":     {"ab 36x", record.ID{}, []record.Division{"36x"}, 0},
		"twice each":                     {"ab" + s + s + d + d, subject, []record.Division{division}, 16 + 12},
		"at the last place":              {far[:maxCut-1] + s, subject, nil, 16},
		"too far back":                   {far + s + d, subject, []record.Division{division}, 0},
		"the division at the last place": {far[:maxCut-17] + s + d, subject, []record.Division{division}, 16 + 12},
		"the division too far back":      {far[:maxCut-16] + s + d, subject, []record.Division{division}, 16},
		"nothing":                        {"", subject, []record.Division{division}, 0},
	} {
		store, err := Open(filepath.Join(t.TempDir(), "shard.db"), Options{Create: true, Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := syncengine.RecordRow{ID: record.ID{7}, Position: 1, Subject: c.subject, Divisions: c.divisions, State: []byte(c.state)}
		for _, put := range []func(syncengine.Tx) error{
			func(tx syncengine.Tx) error {
				return tx.PutSegment(syncengine.SegmentHead{Hash: segment.Hash{1}, Replica: replica, First: 1, Last: 1}, nil)
			},
			func(tx syncengine.Tx) error { return tx.PutRecord(want) },
		} {
			if err := store.Update(t.Context(), put); err != nil {
				t.Fatal(err)
			}
		}
		if n := storedState(t, store); len(c.state)-n != c.cut {
			t.Errorf("%s: %d bytes are left out, want %d", name, len(c.state)-n, c.cut)
		}
		for _, again := range []string{"as it was put", "after it was opened again"} {
			haveState(t, store, name+", "+again, want)
			path := store.Path()
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if store, err = Open(path, Options{}); err != nil {
				t.Fatal(err)
			}
		}
		store.Close()
	}
}

func haveState(t *testing.T, s *Store, name string, want syncengine.RecordRow) {
	t.Helper()
	err := s.View(t.Context(), func(r syncengine.Reader) error {
		have, _, err := r.Record(want.ID)
		if !bytes.Equal(have.State, want.State) || have.Subject != want.Subject || len(have.Divisions) != len(want.Divisions) {
			t.Errorf("%s: %q, want %q", name, have.State, want.State)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// storedState returns how long the state of the only record is in the file.
func storedState(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.file.View(t.Context(), func(conn *sqlite.Conn) error {
		_, err := sqlitefile.One(conn, "SELECT length(state) FROM records", nil, func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A replica whose segment was not committed has no number: the next one gets it, and
// no state may be read with the wrong one.
func TestAReplicaThatWasRolledBackHasNoNumber(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "shard.db"), Options{Create: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	gone, here := causal.ReplicaID{1}, causal.ReplicaID{2}
	put := func(r causal.ReplicaID, then error) {
		_ = s.Update(t.Context(), func(tx syncengine.Tx) error {
			if err := tx.PutSegment(syncengine.SegmentHead{Hash: segment.Hash(sum(r)), Replica: r, First: 1, Last: 1}, nil); err != nil {
				t.Error(err)
			}
			return then
		})
	}
	put(gone, ErrFull)
	put(here, nil)
	for i, r := range []causal.ReplicaID{gone, here} {
		row := syncengine.RecordRow{ID: record.ID{byte(i)}, Position: syncengine.Position(i + 1), State: append([]byte("ab"), r[:]...)}
		if err := s.Update(t.Context(), func(tx syncengine.Tx) error { return tx.PutRecord(row) }); err != nil {
			t.Fatal(err)
		}
		haveState(t, s, "state", row)
	}
}

func sum(r causal.ReplicaID) (h [32]byte) {
	copy(h[:], r[:])
	return h
}

// TestDamagedCutsGiveNoState flips each bit of what says where a state was cut, and the
// division that was cut out: the row has no state, or another one, and nobody panics.
func TestDamagedCutsGiveNoState(t *testing.T) {
	replica, subject := causal.ReplicaID{1, 2, 3}, record.ID{4, 5, 15: 6}
	const division = record.Division("036012100100")
	state := "ab" + string(replica[:]) + string(subject[:]) + string(division)
	store, err := Open(filepath.Join(t.TempDir(), "shard.db"), Options{Create: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	row := syncengine.RecordRow{ID: record.ID{7}, Position: 1, Subject: subject, Divisions: []record.Division{division}, State: []byte(state)}
	for _, put := range []func(syncengine.Tx) error{
		func(tx syncengine.Tx) error {
			return tx.PutSegment(syncengine.SegmentHead{Hash: segment.Hash{1}, Replica: replica, First: 1, Last: 1}, nil)
		},
		func(tx syncengine.Tx) error { return tx.PutRecord(row) },
	} {
		if err := store.Update(t.Context(), put); err != nil {
			t.Fatal(err)
		}
	}
	statements := []string{"UPDATE records SET divisions = ''"}
	for bit := range 24 {
		flip := fmt.Sprintf("UPDATE records SET cuts = (cuts | %[1]d) - (cuts & %[1]d)", 1<<bit)
		statements = append(statements, flip, flip) // and back
	}
	for _, s := range statements[1:] {
		if err := store.Damage(s); err != nil {
			t.Fatal(err)
		}
		if got := stateOf(t, store, row.ID); len(got) > len(state) {
			t.Errorf("after %q: %q", s, got)
		}
	}
	if got := stateOf(t, store, row.ID); got != state {
		t.Errorf("flipped back it is %q", got)
	}
	if err := store.Damage(statements[0]); err != nil {
		t.Fatal(err)
	}
	if got := stateOf(t, store, row.ID); got != "" {
		t.Errorf("without its division it is %q", got)
	}
}

func stateOf(t *testing.T, s *Store, id record.ID) (state string) {
	t.Helper()
	err := s.View(t.Context(), func(r syncengine.Reader) error {
		row, _, err := r.Record(id)
		state = string(row.State)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}
