// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

func config(dir string) Config {
	return Config{
		Dir: dir, Schema: care.Kinds(), Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Clock: func() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) },
	}
}

func open(t *testing.T, dir string) *Hub {
	t.Helper()
	h, err := Open(t.Context(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAHubIsTheSameAfterItWasClosed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	if Exists(dir) {
		t.Fatal("there is one already")
	}
	h := open(t, dir)
	if err := h.CheckWritable(t.Context()); err != nil {
		t.Error(err)
	}
	first, err := h.replica.PublicKey(t.Context())
	if err := errors.Join(err, h.Close()); err != nil || !Exists(dir) {
		t.Fatal(err)
	}
	if err := h.CheckWritable(t.Context()); err == nil {
		t.Error("a closed store can be written")
	}
	again := open(t, dir)
	defer again.Close()
	if key, err := again.replica.PublicKey(t.Context()); err != nil || !key.Equal(first) {
		t.Errorf("another key, %v", err)
	}
	if _, err := again.Certificate(t.Context()); !errors.Is(err, ErrNotJoined) {
		t.Errorf("it has a certificate: %v", err)
	}
	if err := again.Join(t.Context(), "XZ1:nonsense"); !errors.Is(err, session.ErrInvitation) {
		t.Errorf("join: %v", err)
	}
}

// Nothing is made anew in place of what is lost: who opens is told what is missing.
func TestAHubWithoutItsKeysIsNotOpened(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"data key lost":   func(dir string) error { return os.Remove(filepath.Join(dir, dataKeyFile)) },
		"data key cut":    func(dir string) error { return os.Truncate(filepath.Join(dir, dataKeyFile), 20) },
		"settings cut":    func(dir string) error { return os.WriteFile(filepath.Join(dir, settingsFile), []byte("{"), 0o600) },
		"store exchanged": func(dir string) error { return os.WriteFile(filepath.Join(dir, storeFile), []byte("no store"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hub")
			if err := errors.Join(open(t, dir).Close(), damage(dir)); err != nil {
				t.Fatal(err)
			}
			if h, err := Open(t.Context(), config(dir)); err == nil {
				t.Error("opened")
				_ = h.Close()
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "hub")
	h := open(t, dir)
	defer h.Close()
	if _, err := h.keys.Signer(causal.ReplicaID{1}); !errors.Is(err, replica.ErrNoKey) {
		t.Errorf("a key that was never made: %v", err)
	}
}

func TestWhatAHubSealsOpensInItsPlaceOnly(t *testing.T) {
	k, err := openKeys(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("synthetic body")
	sealed, err := k.SealRow([]byte("here"), plain)
	if err != nil || bytes.Contains(sealed, plain) {
		t.Fatal(err)
	}
	if got, err := k.OpenRow([]byte("here"), sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"elsewhere": func() ([]byte, error) { return k.OpenRow([]byte("there"), sealed) },
		"changed":   func() ([]byte, error) { return k.OpenRow([]byte("here"), append(bytes.Clone(sealed), 0)) },
		"cut":       func() ([]byte, error) { return k.OpenRow([]byte("here"), sealed[:5]) },
	} {
		if _, err := open(); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestStatusOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	h := open(t, dir)
	if _, err := ReadStatus(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a hub that never ran: %v", err)
	}
	if _, err := h.Sync(t.Context()); !errors.Is(err, ErrNotJoined) {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadStatus(dir); err != nil || s.Reason != "not_enrolled" || s.LastTryMs == 0 || s.Reached() {
		t.Fatalf("%+v, %v", s, err)
	}
	h = open(t, dir)
	defer h.Close()
	if s, err := h.Status(t.Context()); err != nil || s.Reason != "not_enrolled" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAnUnreachableCentreIsLeftAloneLongerAndLonger(t *testing.T) {
	h := &Hub{cfg: Config{Every: time.Minute}}
	if h.pause(0) != time.Minute || h.pause(1) != firstRest || h.pause(2) != 2*firstRest {
		t.Errorf("%v, %v, %v", h.pause(0), h.pause(1), h.pause(2))
	}
	for failed := range 100 {
		if h.pause(failed) > lastRest || h.pause(failed) <= 0 {
			t.Errorf("after %d failures %v", failed, h.pause(failed))
		}
	}
}

// What went wrong reaches callers as a reason that they can act on.
func TestErrorsOfTheReplicaHaveReasons(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		want syncengine.Reason
	}{
		"too much":         {replica.ErrPage, syncengine.ReasonTooMuch},
		"of another shard": {replica.ErrOtherShard, syncengine.ReasonWrongShard},
		"cut off":          {replica.ErrNotEnrolled, syncengine.ReasonRevoked},
		"disk full":        {sqlitefile.ErrFull, syncengine.ReasonFull},
		"anything else":    {errors.New("disk on fire"), syncengine.ReasonInternal},
	} {
		if got := syncengine.ReasonOf(refuse("push", fmt.Errorf("hub: %w", row.err))); got != row.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if err := refuse("push", nil); err != nil {
		t.Errorf("nothing went wrong: %v", err)
	}
	if err := refuse("push", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that is gone: %v", err)
	}
}
