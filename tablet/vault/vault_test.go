// SPDX-License-Identifier: Apache-2.0

package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// clock is a clock that tests set.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func config(t *testing.T) (vault.Config, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	return vault.Config{
		Dir: filepath.Join(t.TempDir(), "tablet"), Clock: c.read, Rand: rand.Reader,
		Cost: vault.Cost{Passes: 1, MemoryKiB: 8, Lanes: 1},
	}, c
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func create(t *testing.T) (*vault.Vault, vault.Config, *clock) {
	t.Helper()
	cfg, c := config(t)
	v, err := vault.Create(cfg, "zhang", "618203")
	return must(t, v, err), cfg, c
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func TestASecretOpensWhatWasSealed(t *testing.T) {
	v, cfg, _ := create(t)
	sealed, err := v.SealRow([]byte("place"), []byte("王建国"))
	must(t, sealed, err)
	w, err := vault.Open(cfg)
	must(t, w, err)
	_, err = w.OpenRow([]byte("place"), sealed)
	wantError(t, err, replica.ErrLocked)
	_, err = w.SealRow([]byte("place"), nil)
	wantError(t, err, vault.ErrLocked)
	staff, err := w.Unlock("618203")
	if must(t, staff, err) != "zhang" {
		t.Fatalf("secret of %q", staff)
	}
	plain, err := w.OpenRow([]byte("place"), sealed)
	if string(must(t, plain, err)) != "王建国" {
		t.Fatalf("opened %q", plain)
	}
	w.Lock()
	if w.Unlocked() {
		t.Fatal("locked vault is unlocked")
	}
	_, err = w.OpenRow([]byte("place"), sealed)
	wantError(t, err, vault.ErrLocked)
}

func TestSealedRowsCannotChangePlacesOrBits(t *testing.T) {
	v, _, _ := create(t)
	sealed, err := v.SealRow([]byte("a"), []byte("value"))
	must(t, sealed, err)
	_, err = v.OpenRow([]byte("b"), sealed)
	wantError(t, err, vault.ErrDamaged)
	for i := range sealed {
		flipped := slices.Clone(sealed)
		flipped[i] ^= 1
		_, err = v.OpenRow([]byte("a"), flipped)
		wantError(t, err, vault.ErrDamaged)
		_, err = v.OpenRow([]byte("a"), sealed[:i])
		wantError(t, err, vault.ErrDamaged)
	}
}

func TestCreateAndOpenSayWhatIsThere(t *testing.T) {
	cfg, _ := config(t)
	_, err := vault.Open(cfg)
	wantError(t, err, vault.ErrNone)
	_, err = vault.Create(cfg, "zhang", "12345")
	wantError(t, err, vault.ErrWeak)
	if vault.Exists(cfg.Dir) {
		t.Fatal("a refused secret made a vault")
	}
	v, err := vault.Create(cfg, "zhang", "一二三四五六")
	must(t, v, err)
	if !vault.Exists(cfg.Dir) {
		t.Fatal("no vault after Create")
	}
	_, err = vault.Create(cfg, "zhang", "618203")
	wantError(t, err, vault.ErrExists)
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	v, cfg, _ := create(t)
	s, err := v.New()
	must(t, s, err)
	err = filepath.WalkDir(cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	must(t, 0, err)
}

func TestSeveralPeopleShareATablet(t *testing.T) {
	v, cfg, _ := create(t)
	must(t, 0, v.SetSecret("li", "907755"))
	wantError(t, v.SetSecret("wu", "618203"), vault.ErrTaken)
	must(t, 0, v.SetSecret("zhang", "111222"))
	if got := v.Staff(); !slices.Equal(got, []string{"li", "zhang"}) {
		t.Fatalf("staff %q", got)
	}
	w, err := vault.Open(cfg)
	must(t, w, err)
	_, err = w.Unlock("618203")
	wantError(t, err, vault.ErrSecret)
	wantError(t, w.SetSecret("wu", "333444"), vault.ErrLocked)
	staff, err := w.Unlock("907755")
	if must(t, staff, err) != "li" {
		t.Fatalf("secret of %q", staff)
	}
	must(t, 0, w.RemoveSecret("zhang"))
	must(t, 0, w.RemoveSecret("nobody"))
	wantError(t, w.RemoveSecret("li"), vault.ErrLast)
	must(t, 0, w.Rename("li", "li.na"))
	x, err := vault.Open(cfg)
	must(t, x, err)
	if staff, err = x.Unlock("907755"); must(t, staff, err) != "li.na" {
		t.Fatalf("secret of %q", staff)
	}
}

func TestWrongSecretsSlowDown(t *testing.T) {
	_, cfg, c := create(t)
	open := func() *vault.Vault {
		v, err := vault.Open(cfg) // a restart does not help
		return must(t, v, err)
	}
	for range 5 {
		_, err := open().Unlock("000000")
		wantError(t, err, vault.ErrSecret)
	}
	var wait *vault.WaitError
	left := func(secret string) time.Duration {
		t.Helper()
		if _, err := open().Unlock(secret); !errors.As(err, &wait) {
			t.Fatalf("error %v, want a wait", err)
		}
		return wait.Left
	}
	if got := left("618203"); got != 2*time.Second {
		t.Fatalf("first wait %s", got)
	}
	c.now = c.now.Add(-24 * time.Hour) // a clock put back does not shut out for a day
	if got := left("618203"); got != 2*time.Second {
		t.Fatalf("wait after the clock was put back %s", got)
	}
	for _, want := range []time.Duration{4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		c.now = c.now.Add(15 * time.Minute)
		_, err := open().Unlock("000000")
		wantError(t, err, vault.ErrSecret)
		if got := left("618203"); got != want*time.Second {
			t.Fatalf("wait %s, want %d s", got, want)
		}
	}
	c.now = c.now.Add(15 * time.Minute)
	_, err := open().Unlock("618203")
	must(t, 0, err)
	_, err = open().Unlock("000000")
	wantError(t, err, vault.ErrSecret)
	_, err = open().Unlock("618203")
	must(t, 0, err)
}

func TestDamagedGuessesAreNotForgiven(t *testing.T) {
	_, cfg, _ := create(t)
	v, err := vault.Open(cfg)
	must(t, v, err)
	_, err = v.Unlock("000000")
	wantError(t, err, vault.ErrSecret)
	must(t, 0, os.WriteFile(filepath.Join(cfg.Dir, "guesses.json"), []byte("?"), 0o600))
	_, err = v.Unlock("000000")
	wantError(t, err, vault.ErrSecret)
	var wait *vault.WaitError
	if _, err = v.Unlock("618203"); !errors.As(err, &wait) {
		t.Fatalf("error %v, want a wait", err)
	}
}

func TestSigningKeysAreThereWhileLocked(t *testing.T) {
	v, cfg, _ := create(t)
	s, err := v.New()
	must(t, s, err)
	id := causal.ReplicaOf(s.Public())
	w, err := vault.Open(cfg)
	must(t, w, err)
	again, err := w.Signer(id)
	if !must(t, again, err).Public().Equal(s.Public()) {
		t.Fatal("another key")
	}
	_, err = w.Signer(causal.ReplicaID{1})
	wantError(t, err, replica.ErrNoKey)
}

func TestWithoutTheDeviceKeyEverythingIsNoise(t *testing.T) {
	v, cfg, _ := create(t)
	s, err := v.New()
	must(t, s, err)
	stolen := cfg
	stolen.DeviceKey = bytes.Repeat([]byte{7}, 32)
	w, err := vault.Open(stolen)
	must(t, w, err)
	_, err = w.Unlock("618203")
	wantError(t, err, vault.ErrSecret)
	_, err = w.Signer(causal.ReplicaOf(s.Public()))
	wantError(t, err, vault.ErrDamaged)
	stolen.DeviceKey = []byte("short")
	_, err = vault.Open(stolen)
	wantError(t, err, vault.ErrDamaged)
}

func TestAKeystoreKeepsTheDeviceKey(t *testing.T) {
	cfg, _ := config(t)
	cfg.DeviceKey = bytes.Repeat([]byte{7}, 32)
	v, err := vault.Create(cfg, "zhang", "618203")
	must(t, v, err)
	if _, err := os.Stat(filepath.Join(cfg.Dir, "device.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the device key is on disk: %v", err)
	}
	w, err := vault.Open(cfg)
	must(t, w, err)
	_, err = w.Unlock("618203")
	must(t, 0, err)
}

func TestALostSecretLosesNothing(t *testing.T) {
	v, cfg, _ := create(t)
	_, err := v.RecoveryRequest()
	wantError(t, err, vault.ErrNotEnrolled)
	sealed, err := v.SealRow([]byte("place"), []byte("value"))
	must(t, sealed, err)
	shard := segment.ShardID{1}
	private, public, err := segment.NewRecipientKey(rand.Reader)
	must(t, private, err)
	must(t, 0, v.SealFor(shard, public))

	w, err := vault.Open(cfg)
	must(t, w, err)
	wantError(t, w.SealFor(shard, public), vault.ErrLocked)
	for range 20 {
		w.Unlock("000000")
	}
	request, err := w.RecoveryRequest()
	must(t, request, err)
	_, err = vault.AnswerRecovery(private, segment.ShardID{2}, request)
	wantError(t, err, vault.ErrDamaged)
	answer, err := vault.AnswerRecovery(private, shard, request)
	must(t, answer, err)
	wantError(t, w.Recover(answer, "li", "12345"), vault.ErrWeak)
	wantError(t, w.Recover(answer[1:], "li", "907755"), vault.ErrDamaged)
	must(t, 0, w.Recover(answer, "li", "907755"))
	plain, err := w.OpenRow([]byte("place"), sealed)
	if string(must(t, plain, err)) != "value" {
		t.Fatalf("opened %q", plain)
	}
	x, err := vault.Open(cfg)
	must(t, x, err)
	_, err = x.Unlock("618203")
	wantError(t, err, vault.ErrSecret)
	staff, err := x.Unlock("907755")
	if must(t, staff, err) != "li" {
		t.Fatalf("secret of %q", staff)
	}
}

func TestAnAnswerOpensItsOwnDeviceOnly(t *testing.T) {
	shard := segment.ShardID{1}
	private, public, err := segment.NewRecipientKey(rand.Reader)
	must(t, private, err)
	var answers [2][]byte
	var vaults [2]*vault.Vault
	for i := range answers {
		vaults[i], _, _ = create(t)
		must(t, 0, vaults[i].SealFor(shard, public))
		request, err := vaults[i].RecoveryRequest()
		must(t, request, err)
		answers[i], err = vault.AnswerRecovery(private, shard, request)
		must(t, answers[i], err)
	}
	wantError(t, vaults[0].Recover(answers[1], "li", "907755"), vault.ErrDamaged)
	must(t, 0, vaults[1].Recover(answers[1], "li", "907755"))
}

func TestANewerOrDamagedVaultIsRefused(t *testing.T) {
	_, cfg, _ := create(t)
	path := filepath.Join(cfg.Dir, "vault.json")
	for _, text := range []string{`{"format": 2}`, `{`, `{"format": 1}`} {
		must(t, 0, os.WriteFile(path, []byte(text), 0o600))
		if _, err := vault.Open(cfg); err == nil {
			t.Errorf("%s opened", text)
		}
	}
}
