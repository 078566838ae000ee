// SPDX-License-Identifier: Apache-2.0

package devicestore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/syncengine/devicestore"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

func newVault(t *testing.T, dir string) *vault.Vault {
	t.Helper()
	v, err := vault.Create(vault.Config{
		Dir: dir, Clock: time.Now, Rand: rand.Reader, Cost: vault.Cost{Passes: 1, MemoryKiB: 8, Lanes: 1},
	}, "zhang", "618203")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func open(t *testing.T, dir string, sealer devicestore.Sealer) *devicestore.Store {
	t.Helper()
	s, err := devicestore.Open(filepath.Join(dir, devicestore.FileName), sealer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t *testing.T) (*devicestore.Store, *vault.Vault, string) {
	t.Helper()
	dir := t.TempDir()
	v := newVault(t, dir)
	return open(t, dir, v), v, dir
}

func put(t *testing.T, s *devicestore.Store, key, head, body string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx replica.Tx) error {
		return tx.Put(replica.Bases, replica.Row{Key: []byte(key), Head: []byte(head), Body: []byte(body)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *devicestore.Store, key string) (replica.Row, bool, error) {
	t.Helper()
	var row replica.Row
	var ok bool
	err := s.View(t.Context(), func(r replica.Reader) (err error) {
		row, ok, err = r.Get(replica.Bases, []byte(key))
		return err
	})
	return row, ok, err
}

func TestNothingPersonalIsOnDiskInClear(t *testing.T) {
	s, _, dir := newStore(t)
	const secret = "王建国 13987654321"
	put(t, s, "a", "head", secret)
	put(t, s, "a", "head", secret+" again")
	put(t, s, "b", "head", secret)
	for _, closed := range []bool{false, true} {
		if closed {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		wantNowhere(t, dir, []byte("王建国"), []byte("13987654321"))
	}
}

// wantNowhere reads every file under dir.
func wantNowhere(t *testing.T, dir string, texts ...[]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(raw, text) {
				t.Errorf("%s has %q in clear", filepath.Base(path), text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBodiesThatChangedPlacesAreNotOpened(t *testing.T) {
	s, _, _ := newStore(t)
	put(t, s, "a", "head", "of a")
	put(t, s, "b", "head", "of b")
	err := s.Script(t.Context(), `UPDATE rows SET body = 3 - body`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t, s, "a"); !errors.Is(err, vault.ErrDamaged) {
		t.Fatalf("exchanged body opened: %v", err)
	}
}

func TestALockedStoreHasHeadsAndNoBodies(t *testing.T) {
	s, v, _ := newStore(t)
	put(t, s, "a", "old", "body")
	v.Lock()
	if _, _, err := get(t, s, "a"); !errors.Is(err, replica.ErrLocked) {
		t.Fatalf("body while locked: %v", err)
	}
	err := s.Update(t.Context(), func(tx replica.Tx) error {
		if err := tx.PutHead(replica.Bases, []byte("a"), []byte("new")); err != nil {
			return err
		}
		if err := tx.Put(replica.Bases, replica.Row{Key: []byte("plain"), Head: []byte("h")}); err != nil {
			return err
		}
		_, _, err := tx.Get(replica.Bases, []byte("plain"))
		return err
	})
	if err != nil {
		t.Fatalf("heads while locked: %v", err)
	}
	err = s.Update(t.Context(), func(tx replica.Tx) error {
		return tx.Put(replica.Bases, replica.Row{Key: []byte("c"), Body: []byte("body")})
	})
	if !errors.Is(err, replica.ErrLocked) {
		t.Fatalf("body written while locked: %v", err)
	}
	if _, err := v.Unlock("618203"); err != nil {
		t.Fatal(err)
	}
	row, ok, err := get(t, s, "a")
	if err != nil || !ok || string(row.Head) != "new" || string(row.Body) != "body" {
		t.Fatalf("row %q %v %v", row, ok, err)
	}
}

func TestASecondOpenIsKeptOut(t *testing.T) {
	s, v, dir := newStore(t)
	_, err := devicestore.Open(filepath.Join(dir, devicestore.FileName), v)
	if !errors.Is(err, sqlitefile.ErrLocked) {
		t.Fatalf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, v)
}

func TestBodiesLeaveNothingBehind(t *testing.T) {
	s, _, _ := newStore(t)
	bodies := func() (n int) {
		t.Helper()
		err := s.View(t.Context(), func(r replica.Reader) error {
			n = devicestore.Bodies(r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	put(t, s, "a", "", "body")
	put(t, s, "a", "", "another body")
	put(t, s, "b", "", "body")
	if got := bodies(); got != 2 {
		t.Fatalf("%d bodies of 2 rows", got)
	}
	put(t, s, "a", "", "")
	err := s.Update(t.Context(), func(tx replica.Tx) error { return tx.Delete(replica.Bases, []byte("b")) })
	if err != nil {
		t.Fatal(err)
	}
	if got := bodies(); got != 0 {
		t.Fatalf("%d bodies of no rows", got)
	}
}

// What is gone is gone from the file as well, sealed though it was.
func TestWhatIsDeletedIsOverwritten(t *testing.T) {
	s, _, dir := newStore(t)
	var before [][]byte
	for i, body := range []string{"short", string(make([]byte, 3000)), string(make([]byte, 50_000))} {
		put(t, s, fmt.Sprint(i), "head", body)
	}
	err := s.View(t.Context(), func(r replica.Reader) error {
		before = devicestore.Sealed(r)
		return nil
	})
	if err != nil || len(before) != 3 {
		t.Fatalf("%d bodies, %v", len(before), err)
	}
	put(t, s, "0", "head", "other")
	put(t, s, "1", "head", "")
	err = s.Update(t.Context(), func(tx replica.Tx) error { return tx.Delete(replica.Bases, []byte("2")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, sealed := range before {
		wantNowhere(t, dir, sealed[len(sealed)-20:])
	}
}

func TestNotesAreKept(t *testing.T) {
	s, v, dir := newStore(t)
	ctx := context.Background()
	if got, err := s.Note(ctx, "server"); err != nil || got != nil {
		t.Fatalf("note %q, %v", got, err)
	}
	for i := range 2 {
		if err := s.SetNote(ctx, "server", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	v.Lock()
	s.Close()
	s = open(t, dir, v)
	if got, err := s.Note(ctx, "server"); err != nil || string(got) != "1" {
		t.Fatalf("note %q, %v", got, err)
	}
}

// The log beside the file takes no more room than it must, also after one large
// transaction, and settled it is used anew.
func TestTheLogStaysShort(t *testing.T) {
	s, _, dir := newStore(t)
	log := filepath.Join(dir, devicestore.FileName+"-wal")
	want := func(least, most int64, when string) {
		t.Helper()
		info, err := os.Stat(log)
		if err != nil || info.Size() < least || info.Size() > most {
			t.Fatalf("%s: the log has %d bytes, want %d to %d: %v", when, info.Size(), least, most, err)
		}
	}
	put(t, s, "large", "head", string(make([]byte, 8<<20)))
	want(8<<20, 9<<20, "one large transaction")
	put(t, s, "small", "head", "body")
	want(0, 2<<20, "the next one")
	for i := range 500 {
		put(t, s, fmt.Sprint(i), "head", "body")
	}
	want(0, 2<<20, "many small ones")
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		put(t, s, fmt.Sprint(i), "head", "other")
	}
	want(0, info.Size(), "settled")
}

// A body whose bytes changed on the disk is told apart from one that is locked, and
// spoils no other row.
func TestADamagedBodyIsAnErrorOfItsOwn(t *testing.T) {
	s, v, dir := newStore(t)
	put(t, s, "a", "head", "body")
	put(t, s, "b", "head", "body")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(filepath.Join(dir, devicestore.FileName), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteTransient(conn, `UPDATE bodies SET sealed = CAST(substr(sealed, 2) || X'00' AS BLOB) WHERE id = (SELECT body FROM rows WHERE key = X'61')`, nil)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, v)
	row, ok, err := get(t, s, "a")
	if !ok || string(row.Head) != "head" || !errors.Is(err, replica.ErrDamaged) || errors.Is(err, replica.ErrLocked) {
		t.Errorf("damaged: %+v, %v, %v", row, ok, err)
	}
	if row, _, err := get(t, s, "b"); err != nil || string(row.Body) != "body" {
		t.Errorf("the other row: %+v, %v", row, err)
	}
	v.Lock()
	if _, _, err := get(t, s, "a"); !errors.Is(err, replica.ErrLocked) || errors.Is(err, replica.ErrDamaged) {
		t.Errorf("locked: %v", err)
	}
	if _, err := v.Unlock("618203"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "head", "anew")
	if row, _, err := get(t, s, "a"); err != nil || string(row.Body) != "anew" {
		t.Errorf("put anew: %+v, %v", row, err)
	}
}
