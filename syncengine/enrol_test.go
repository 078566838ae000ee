// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func keyOf(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), n)) }

func publicOf(n byte) ed25519.PublicKey { return keyOf(n).Public().(ed25519.PublicKey) }

// A session may hold a certificate that is some minutes old. Renewing it does not
// give back what the office has taken away since.
func TestRenewKeepsTheRightsTheOfficeGaveLast(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA, villageB))
	c.now = c.now.Add(48 * time.Hour)
	if _, err := c.Certify(t.Context(), doctor("zhang", villageA), d.cert.PublicKey); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Minute)
	cert, err := c.Renew(t.Context(), d.cert)
	if err != nil || len(cert.Divisions) != 1 || cert.Divisions[0] != villageA {
		t.Errorf("renewed to %v, %v", cert.Divisions, err)
	}
}

// A restored file does not know which codes were used after it was copied, so none
// of its codes is good any more.
func TestCodesEndWithTheirEpoch(t *testing.T) {
	c := newCentre(t)
	code, err := c.Invite(t.Context(), doctor("zhang", villageA), 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	backup := c.store.Clone()
	if _, err := c.Enrol(t.Context(), code, publicOf(1)); err != nil {
		t.Fatal(err)
	}
	c.cfg.Store = backup
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	if err := c.Restore(t.Context(), "operator"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enrol(t.Context(), code, publicOf(2)); syncengine.ReasonOf(err) != syncengine.ReasonCode {
		t.Errorf("a used code with another key: %v", err)
	}
}

// One key is gone on from by so many others only; then a person looks, and after
// that it may again.
func TestOneKeyHasFewSuccessorsWithoutAPerson(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	succeed := func(n byte) error { // all in one moment of the clock
		s, err := segment.NewSuccession(segment.KeySigner(d.key), segment.KeySigner(keyOf(n)), d.cert)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Succeed(t.Context(), d.cert, s.Raw)
		return err
	}
	for n := byte(10); n < 14; n++ {
		if err := succeed(n); err != nil {
			t.Fatalf("successor %d: %v", n, err)
		}
	}
	if err := succeed(14); syncengine.ReasonOf(err) != syncengine.ReasonSuccession {
		t.Errorf("a fifth: %v", err)
	}
	if err := succeed(10); err != nil {
		t.Errorf("the first again, its answer was lost: %v", err)
	}
	var err error
	if d.cert, err = c.Certify(t.Context(), doctor("zhang", villageA), d.cert.PublicKey); err != nil {
		t.Fatal(err)
	}
	if err := succeed(14); err != nil {
		t.Errorf("after a person looked: %v", err)
	}
}

// Divisions that have other codes since a certificate was issued are in the next one, by whatever
// way it is issued; what was saved under the old one is judged by the old one.
func TestCertificatesNameWhatTheirDivisionsBecame(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, dot := d.create(kindNote, villageA, "1")
	before := d.seal()
	invited, err := c.Invite(t.Context(), doctor("li", villageA), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c.Recoded(d.cert) {
		t.Error("nothing was re-coded")
	}

	cfg := c.cfg
	cfg.Scopes = func(divisions []record.Division) []record.Division {
		if slices.Contains(divisions, villageA) && !slices.Contains(divisions, villageB) {
			return append(slices.Clone(divisions), villageB)
		}
		return divisions
	}
	if c.Engine, err = syncengine.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	c.push(before)
	if v := c.verdict(id, dot); v != ledger.Admitted {
		t.Errorf("saved before: %s", v)
	}
	both := []record.Division{villageA, villageB}
	if !c.Recoded(d.cert) {
		t.Error("it is not known that a division was re-coded")
	}
	next, err := c.Renew(t.Context(), d.cert)
	if err != nil || !slices.Equal(next.Divisions, both) || c.Recoded(next) {
		t.Errorf("renewed for %v, %v", next.Divisions, err)
	}
	enrolled, err := c.Enrol(t.Context(), invited, publicOf(9))
	if err != nil || !slices.Equal(enrolled.Divisions, both) {
		t.Errorf("enrolled for %v, %v", enrolled.Divisions, err)
	}
	d.edit(id, villageA, dot, set(phone, "2", dot))
	if v := d.pushed(); v != ledger.Admitted {
		t.Errorf("saved later under the old certificate: %s", v)
	}
	c.sound()
}
