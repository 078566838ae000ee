// SPDX-License-Identifier: Apache-2.0

package county_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// restoration returns what the newest backup of a county restores, without its author.
func (r *rehearsal) restoration(keys []backup.KeyFile) county.Restoration {
	r.Helper()
	from := sure(backup.Find(r.folder))(r)[0]
	return county.Restoration{From: from, Backup: from.Open(from.Newest()), Keys: keys, Author: "zhao"}
}

func (r *rehearsal) wantHalf(data string) {
	r.Helper()
	if found := sure(county.Find(data))(r); len(found) > 0 {
		r.Error("half a county looks like one")
	}
}

func TestARestoreThatWasCutOffGoesOn(t *testing.T) {
	r := newRehearsal(t)
	r.work(1000)
	sure(r.Backup(t.Context(), county.Destination{Folder: r.folder}, nil))(t)
	r.work(200)
	sure(r.Backup(t.Context(), county.Destination{Folder: r.folder}, nil))(t)
	want := r.states()
	keys := r.burn()
	r.data = t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	one := r.restoration(keys)
	one.Progress = func(ledger.Size, ledger.Size) { stop() }
	if _, err := county.Restore(ctx, r.data, one, r.means); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	r.wantHalf(r.data)
	other := one
	other.Backup = one.From.Open(one.From.Backups[0])
	other.Progress = nil
	if _, err := county.Restore(t.Context(), r.data, other, r.means); !errors.Is(err, syncengine.ErrOccupied) {
		t.Errorf("from another backup: %v", err)
	}
	one.Progress = nil
	done := sure(county.Restore(t.Context(), r.data, one, r.means))(t)
	r.County = sure(county.Open(t.Context(), done.Dir, r.means))(t)
	if len(r.states()) != len(want) || done.Epoch.Number != 2 || !done.NewPin {
		t.Errorf("%d of %d records, %+v", len(r.states()), len(want), done)
	}
	marks := sure(r.Engine.Marks(t.Context()))(t)
	if len(marks) != 1 || marks[0].Number != 2 || marks[0].Epoch != done.Epoch || marks[0].LedgerSize != done.Size {
		t.Errorf("marks %+v", marks)
	}
	if _, err := county.Restore(t.Context(), r.data, one, r.means); !errors.Is(err, county.ErrThere) {
		t.Errorf("once more: %v", err)
	}
}

func TestARestoreNeedsTheKeysOfTheCounty(t *testing.T) {
	r := newRehearsal(t)
	sure(r.Backup(t.Context(), county.Destination{Folder: r.folder}, nil))(t)
	stranger := sure(county.Create(t.Context(), t.TempDir(), "130402", r.means))(t)
	others := sure(stranger.Keys(t.TempDir()))(t)
	if err := stranger.Close(); err != nil {
		t.Fatal(err)
	}
	if err := county.RotateRecipient(r.Dir, r.means.Rand); err != nil {
		t.Fatal(err)
	}
	former := sure(os.ReadFile(filepath.Join(r.Dir, "recipient-1.key")))(t)
	keys := r.burn()
	for name, given := range map[string][]backup.KeyFile{
		"none": nil, "of another county": others,
		"all but the recipient's": slices.DeleteFunc(slices.Clone(keys), func(k backup.KeyFile) bool { return k.Name == "county/recipient.key" }),
	} {
		data := t.TempDir()
		if _, err := county.Restore(t.Context(), data, r.restoration(given), r.means); !errors.Is(err, county.ErrKeys) {
			t.Errorf("%s: %v", name, err)
		}
		r.wantHalf(data)
	}
	escaping := append(slices.Clone(keys), backup.KeyFile{Name: "county/../../escaped", Content: []byte("x")}, backup.KeyFile{Name: "tls/../escaped"})
	data := filepath.Join(t.TempDir(), "data")
	done := sure(county.Restore(t.Context(), data, r.restoration(escaping), r.means))(t)
	r.County = sure(county.Open(t.Context(), done.Dir, r.means))(t)
	if again, err := os.ReadFile(filepath.Join(done.Dir, "recipient-1.key")); err != nil || string(again) != string(former) {
		t.Errorf("a former recipient key is not back: %v", err)
	}
	for _, dir := range []string{data, filepath.Dir(data), done.Dir} {
		if _, err := os.Stat(filepath.Join(dir, "escaped")); err == nil {
			t.Errorf("a key was written into %s", dir)
		}
	}
}
