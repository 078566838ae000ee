// SPDX-License-Identifier: Apache-2.0

package county_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
)

func means(stores *servertest.Stores) county.Means {
	return county.Means{
		OpenStore: stores.Open, Schema: servertest.Schema{}, Rand: rand.Reader,
		Clock: func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) },
	}
}

func TestCountyIsTheSameAfterItWasClosed(t *testing.T) {
	data, m := t.TempDir(), means(&servertest.Stores{})
	c, err := county.Create(t.Context(), data, "130403", m)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(c.Dir) != c.Shard().String() {
		t.Errorf("shard %s in %s", c.Shard(), c.Dir)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	dirs, err := county.Find(data)
	if err != nil || len(dirs) != 1 {
		t.Fatalf("found %v, %v", dirs, err)
	}
	again, err := county.Open(t.Context(), dirs[0], m)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Code != "130403" || again.Shard() != c.Shard() || string(again.RecipientKey()) != string(c.RecipientKey()) ||
		!again.Operator().Equal(c.Operator()) {
		t.Error("another county")
	}
}

// Nothing is made anew in place of what is lost: who opens is told what is missing.
func TestDamagedCountyIsNotOpened(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"shard key lost":     func(dir string) error { return os.Remove(filepath.Join(dir, "shard.key")) },
		"recipient key lost": func(dir string) error { return os.Remove(filepath.Join(dir, "recipient.key")) },
		"operator key cut":   func(dir string) error { return os.Truncate(filepath.Join(dir, "operator.key"), 20) },
		"search key cut":     func(dir string) error { return os.Truncate(filepath.Join(dir, "search.key"), 20) },
		"keys exchanged": func(dir string) error {
			return os.Rename(filepath.Join(dir, "recipient.key"), filepath.Join(dir, "shard.key"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := means(&servertest.Stores{})
			c, err := county.Create(t.Context(), t.TempDir(), "130403", m)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.Close(), damage(c.Dir)); err != nil {
				t.Fatal(err)
			}
			if c, err := county.Open(t.Context(), c.Dir, m); err == nil {
				t.Error("opened")
				_ = c.Close()
			}
		})
	}
}

// A county of an earlier version has no key for its index by number. The one that is made goes
// into backups like the others.
func TestACountyWithoutASearchKeyGetsOne(t *testing.T) {
	m := means(&servertest.Stores{})
	c, err := county.Create(t.Context(), t.TempDir(), "130403", m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir, "search.key")
	first, err := auth.ReadSecret(path)
	if err := errors.Join(err, c.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if c, err = county.Open(t.Context(), c.Dir, m); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	second, err := auth.ReadSecret(path)
	if err != nil || len(second) != auth.SecretSize || bytes.Equal(first, second) {
		t.Errorf("%d bytes, %v", len(second), err)
	}
	keys, err := c.Keys(t.TempDir())
	if err != nil || !slices.ContainsFunc(keys, func(k backup.KeyFile) bool { return k.Name == "county/search.key" }) {
		t.Errorf("it is not among the %d keys of a backup, %v", len(keys), err)
	}
}

func TestCountyThatCannotBeMadeIsNotFound(t *testing.T) {
	data, broken := t.TempDir(), errors.New("disk on fire")
	m := means(&servertest.Stores{})
	m.OpenStore = func(string, bool) (syncengine.Store, error) { return nil, broken }
	if _, err := county.Create(t.Context(), data, "130403", m); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if dirs, err := county.Find(data); err != nil || len(dirs) > 0 {
		t.Errorf("found %v, %v", dirs, err)
	}
	if _, err := county.Find(filepath.Join(data, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestKeysOfACountyAreItsOwnersOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files do not say who may read them")
	}
	c, err := county.Create(t.Context(), t.TempDir(), "130403", means(&servertest.Stores{}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"shard.key", "recipient.key", "operator.key", "search.key"} {
		if info, err := os.Stat(filepath.Join(c.Dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(c.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info, err)
	}
}

// What is derived is in no backup, and what keeps its file from being opened keeps nobody
// from the county.
func TestTheFileOfProjectionsIsNobodysLoss(t *testing.T) {
	pack, err := rules.Load(rules.Source{Name: "empty.txtpb", Text: []byte(`name: "empty" version: "1"`)})
	if err != nil {
		t.Fatal(err)
	}
	m := means(&servertest.Stores{})
	m.Rules = pack
	c, err := county.Create(t.Context(), t.TempDir(), "130403", m)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Dir, "projections.db")
	former := []string{filepath.Join(c.Dir, "findings.db"), filepath.Join(c.Dir, "findings.db-wal"), filepath.Join(c.Dir, "findings.db.lock")}
	for _, name := range former {
		if err := os.WriteFile(name, []byte("of an earlier build"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := c.Projection(); err != nil || p.Follow(t.Context()) != nil {
		t.Fatal(err)
	}
	keys, err := c.Keys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if strings.Contains(k.Name, "projections") {
			t.Errorf("a backup has %s", k.Name)
		}
	}
	if err := errors.Join(c.Close(), os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(file, "in the way"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = county.Open(t.Context(), c.Dir, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range former {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if p, err := c.Projection(); p != nil || err == nil {
		t.Errorf("%v, %v", p, err)
	}
	if f, err := c.Findings(); f != nil || err == nil || errors.Is(err, county.ErrNoFindings) {
		t.Errorf("%v, %v", f, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	m.Rules = nil
	if c, err = county.Open(t.Context(), c.Dir, m); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Findings(); !errors.Is(err, county.ErrNoFindings) {
		t.Error(err)
	}
}
