// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var (
	here  = segment.ShardID{1}
	there = segment.ShardID{2}
)

// clock stands still until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)} }

func TestChallengeIsTakenOnceAndInTime(t *testing.T) {
	c := newClock()
	all, err := NewChallenges(c.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewChallenges(c.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func(of *Challenges, shard segment.ShardID) []byte {
		b, err := of.New(shard)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := fresh(all, here)
	if err := all.Take(here, good); err != nil {
		t.Errorf("a good one: %v", err)
	}
	later := fresh(all, here)
	c.now = c.now.Add(ChallengeLife + time.Second)
	longer := bytes.Clone(later)
	longer[6]++ // says that it is good for longer
	for name, challenge := range map[string][]byte{
		"used":              good,
		"too old":           later,
		"changed":           longer,
		"of another shard":  fresh(all, there),
		"of another server": fresh(other, here),
		"cut":               good[:10],
		"none":              nil,
	} {
		if err := all.Take(here, challenge); !errors.Is(err, ErrLogin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := all.Take(here, fresh(all, here)); err != nil {
		t.Error(err)
	}
	if len(all.used) != 1 {
		t.Errorf("%d used ones are remembered, all but one too old", len(all.used))
	}
}

func device(n byte, issued time.Time) Principal {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)).Public().(ed25519.PublicKey)
	cert := segment.Certificate{Shard: here, Role: segment.RoleTablet, PublicKey: key, IssuedAt: issued, ExpiresAt: issued.Add(time.Hour)}
	return Principal{Who: Device, Shard: here, Certificate: cert}
}

func TestSessionsEnd(t *testing.T) {
	c := newClock()
	s := NewSessions(c.Now, rand.Reader)
	token, err := s.Open(device(1, c.now))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.Lookup(token); err != nil || p.Key() != device(1, c.now).Key() {
		t.Errorf("%v, %v", p, err)
	}
	for name, wrong := range map[string]string{"none": "", "garbage": "?", "short": token[:20], "another": token[1:] + "A"} {
		if _, err := s.Lookup(wrong); !errors.Is(err, ErrToken) {
			t.Errorf("token that is %s: %v", name, err)
		}
	}
	c.now = c.now.Add(SessionLife + time.Second)
	if _, err := s.Lookup(token); !errors.Is(err, ErrToken) {
		t.Errorf("too old: %v", err)
	}
	if _, err := s.Open(device(2, c.now)); err != nil {
		t.Fatal(err)
	}
	if len(s.byToken) != 1 || len(s.byOwner) != 1 {
		t.Errorf("%d tokens of %d owners are remembered", len(s.byToken), len(s.byOwner))
	}
}

func TestOnePrincipalHasSoManySessionsOnly(t *testing.T) {
	c := newClock()
	s := NewSessions(c.Now, rand.Reader)
	var tokens []string
	for range maxSessions + 1 {
		token, err := s.Open(device(1, c.now))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	if _, err := s.Lookup(tokens[0]); !errors.Is(err, ErrToken) {
		t.Errorf("the oldest: %v", err)
	}
	for _, token := range tokens[1:] {
		if _, err := s.Lookup(token); err != nil {
			t.Error(err)
		}
	}
}

func TestSessionsGoOnUnderANewCertificate(t *testing.T) {
	c := newClock()
	s := NewSessions(c.Now, rand.Reader)
	token, err := s.Open(device(1, c.now))
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Open(device(2, c.now))
	if err != nil {
		t.Fatal(err)
	}
	renewed := device(1, c.now.Add(time.Minute))
	s.Renewed(renewed.Certificate)
	if p, err := s.Lookup(token); err != nil || p.Certificate.IssuedAt != renewed.Certificate.IssuedAt {
		t.Errorf("%v, %v", p.Certificate.IssuedAt, err)
	}
	if p, err := s.Lookup(other); err != nil || p.Key() != device(2, c.now).Key() {
		t.Errorf("the other device's session: %v", err)
	}
}

func TestPrincipalIsLoggedWithoutNames(t *testing.T) {
	p := device(1, newClock().now)
	p.Certificate.Staff, p.Certificate.Label = []string{"zhang"}, "clinic of Dr Zhang"
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("call", "caller", p)
	log.Info("call", "caller", Principal{Who: Operator})
	log.Info("call", "caller", Principal{})
	if text := strings.ToLower(out.String()); strings.Contains(text, "zhang") || !strings.Contains(text, p.Certificate.Replica().String()) {
		t.Error(text)
	}
}

func TestTableSaysWhoMay(t *testing.T) {
	now := newClock().now
	operator := Principal{Who: Operator, Shard: here}
	old := device(1, now.Add(-2*time.Hour))
	cut := func(segment.Certificate) (bool, error) { return true, nil }
	free := func(segment.Certificate) (bool, error) { return false, nil }
	reason := func(r Rule, p Principal, revoked func(segment.Certificate) (bool, error)) string {
		err := r.Allow(p, now, revoked)
		switch {
		case err == nil:
			return "may"
		case errors.Is(err, ErrToken):
			return "token"
		}
		return syncengine.ReasonOf(err).String()
	}
	for name, row := range map[string]struct {
		rule Rule
		want []string // nobody, device, expired, revoked, operator
	}{
		"everyone":               {Rule{}, []string{"may", "may", "may", "may", "may"}},
		"devices in good state":  {Rule{Who: Device}, []string{"token", "may", "expired", "revoked", "rights"}},
		"expired ones too":       {Rule{Who: Device, Expired: true}, []string{"token", "may", "may", "revoked", "rights"}},
		"all devices":            {Rule{Who: Device, Expired: true, Revoked: true}, []string{"token", "may", "may", "may", "rights"}},
		"devices and the office": {Rule{Who: Device, Office: true}, []string{"token", "may", "expired", "revoked", "may"}},
		"the operator":           {Rule{Who: Operator}, []string{"token", "rights", "rights", "rights", "may"}},
	} {
		got := []string{
			reason(row.rule, Principal{}, free), reason(row.rule, device(1, now), free), reason(row.rule, old, free),
			reason(row.rule, device(1, now), cut), reason(row.rule, operator, free),
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
	if _, ok := RuleOf("/xunzhen.sync.v1.RecordService/Invented"); ok {
		t.Error("a method that nobody wrote down has a rule")
	}
}

func TestAuthorityIsKeptAndRenewsItsServer(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	a, err := OpenAuthority(dir, []string{"localhost", "192.168.1.10"}, c.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.current()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Leaf.VerifyHostname("192.168.1.10"); err != nil {
		t.Error(err)
	}
	if err := first.Leaf.CheckSignatureFrom(a.Certificate()); err != nil {
		t.Error(err)
	}
	c.now = c.now.Add(serverLife - renewBefore - time.Minute)
	if same, err := a.current(); err != nil || same != first {
		t.Errorf("renewed too early, %v", err)
	}
	c.now = c.now.Add(2 * time.Minute)
	next, err := a.current()
	if err != nil || next == first || !next.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Errorf("not renewed, %v", err)
	}
	again, err := OpenAuthority(dir, nil, c.Now, rand.Reader)
	if err != nil || again.Pin() != a.Pin() {
		t.Errorf("after a restart the pin is another, %v", err)
	}
}

func TestAuthorityIsNotMadeAnewInPlaceOfADamagedOne(t *testing.T) {
	c := newClock()
	for name, damage := range map[string]func(dir string) error{
		"key lost":        func(dir string) error { return os.Remove(filepath.Join(dir, "ca.key")) },
		"certificate cut": func(dir string) error { return os.Truncate(filepath.Join(dir, "ca.pem"), 100) },
		"key of another": func(dir string) error {
			other := filepath.Join(dir, "other")
			if _, err := OpenAuthority(other, nil, c.Now, rand.Reader); err != nil {
				return err
			}
			return os.Rename(filepath.Join(other, "ca.key"), filepath.Join(dir, "ca.key"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := OpenAuthority(dir, nil, c.Now, rand.Reader); err != nil {
				t.Fatal(err)
			}
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenAuthority(dir, nil, c.Now, rand.Reader); err == nil {
				t.Error("opened as if nothing was wrong")
			}
		})
	}
	// A crash between the two files left a key that nobody has seen.
	dir := t.TempDir()
	if _, err := OpenAuthority(dir, nil, c.Now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(dir, nil, c.Now, rand.Reader); err != nil {
		t.Errorf("after a crash: %v", err)
	}
}

func TestSecretsAreTheirOwnersOnly(t *testing.T) {
	path, secret := filepath.Join(t.TempDir(), "search.key"), bytes.Repeat([]byte{7}, SecretSize)
	if err := WriteSecret(path, secret[1:]); err == nil {
		t.Error("a secret of 31 bytes was written")
	}
	if err := WriteSecret(path, secret); err != nil {
		t.Fatal(err)
	}
	if err := WriteSecret(path, secret); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a secret was replaced: %v", err)
	}
	if got, err := ReadSecret(path); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("came back %x, %v", got, err)
	}
	if _, err := ReadSigningKey(path); err == nil {
		t.Error("a secret was read as a key that signs")
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSecret(path); err == nil && runtime.GOOS != "windows" {
		t.Error("others may read it")
	}
}

func TestKeyFilesAreTheirOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.key")
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	if err := WriteKey(path, key); err != nil {
		t.Fatal(err)
	}
	if err := WriteKey(path, key); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	got, err := ReadSigningKey(path)
	if err != nil || !got.Equal(key) {
		t.Errorf("came back another: %v", err)
	}
	if _, err := ReadRecipientKey(path); err == nil {
		t.Error("a signing key was read as a recipient's")
	}
	if runtime.GOOS == "windows" {
		return
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSigningKey(path); err == nil {
		t.Error("a key that others may read was read")
	}
}
