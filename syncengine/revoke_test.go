// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// one is a save by name.
type one struct {
	id  record.ID
	dot causal.Dot
}

// saves makes n new records, each in a segment of its own, and pushes them.
func (d *device) saves(n int) (all []one) {
	d.c.t.Helper()
	for range n {
		id, dot := d.create(kindNote, villageA, "139")
		d.c.push(d.seal())
		all = append(all, one{id, dot})
	}
	return all
}

// wants fails the test unless all saves have a verdict.
func (c *centre) wants(name string, all []one, v ledger.Verdict) {
	c.t.Helper()
	for i, s := range all {
		if got := c.verdict(s.id, s.dot); got != v {
			c.t.Errorf("%s, save %d: %s, want %s", name, i, got, v)
		}
	}
}

// deviceInfo returns what Devices says of d.
func (c *centre) deviceInfo(d *device) syncengine.Device {
	c.t.Helper()
	all, err := c.Devices(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, one := range all {
		if one.Certificate.Replica() == d.cert.Replica() {
			return one
		}
	}
	c.t.Fatal("the device is not listed")
	return syncengine.Device{}
}

// stranger is a device with a key and no certificate yet.
func (c *centre) stranger(n byte) *device {
	return &device{c: c, key: keyOf(n), rnd: rand.NewChaCha8([32]byte{2, n}), prev: map[record.ID]causal.Dot{}, clock: c.now.UnixMilli()}
}

func TestRevocationSinceATimeCutsWhatItsPlanSays(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	before := d.saves(3)
	c.now = c.now.Add(time.Hour)
	stolen := c.now
	after := d.saves(2)
	v := syncengine.Revocation{Replica: d.cert.Replica(), Since: stolen, Author: "wang", Reason: "stolen"}
	plan, err := c.PlanRevocation(t.Context(), v)
	if err != nil || plan.Before != 3 || plan.After != 2 || plan.Cut != 2 || plan.Records != 2 || len(plan.Replicas) != 1 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	c.wants("planned only", after, ledger.Admitted)
	if err := c.Revoke(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	c.wants("before", before, ledger.Admitted)
	c.wants("after", after, ledger.HeldFence)
	c.wants("later", d.saves(1), ledger.HeldFence)
	if plan, err := c.PlanRevocation(t.Context(), v); err != nil || plan.Cut != 0 || plan.After != 3 {
		t.Errorf("again: %+v, %v", plan, err)
	}
	info := c.deviceInfo(d)
	if len(info.Fences) != 1 || info.Fences[0].Author != "wang" || info.Fences[0].Reason != "stolen" || info.Fences[0].At.Before(stolen) {
		t.Errorf("fences %+v", info.Fences)
	}
	if info.Held != 3 || !info.Revoked || info.LastReceived != c.now {
		t.Errorf("%+v", info)
	}
	c.sound()
}

func TestRevocationOfAReplicaThatIsNoDevice(t *testing.T) {
	c := newCentre(t)
	own, err := c.Devices(t.Context())
	if err != nil || len(own) != 1 {
		t.Fatal(own, err)
	}
	for name, id := range map[string]causal.ReplicaID{"unknown": {1}, "the centre's own": own[0].Certificate.Replica()} {
		v := syncengine.Revocation{Replica: id, Author: "wang"}
		if err := c.Revoke(t.Context(), v); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.PlanRevocation(t.Context(), v); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
			t.Errorf("plan of %s: %v", name, err)
		}
	}
}

func TestExemptionIsOfWhatIsThereAndNotOfWhatComes(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	exempt := func(end segment.Hash) error {
		return c.Exempt(t.Context(), "wang", d.cert.Replica(), end, "found again")
	}
	if err := exempt(segment.Hash{}); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("of one that is not cut off: %v", err)
	}
	good := d.saves(1)
	c.fence(d)
	late := d.saves(2)
	c.wants("late", late, ledger.HeldFence)
	if err := exempt(segment.Hash{1}); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("of a segment that is not here: %v", err)
	}
	if err := exempt(segment.Hash{}); err != nil {
		t.Fatal(err)
	}
	c.wants("good", good, ledger.Admitted)
	c.wants("exempted", late, ledger.Admitted)
	c.wants("later", d.saves(1), ledger.HeldFence)
	if info := c.deviceInfo(d); !info.Revoked || len(info.Fences) != 1 || info.Fences[0].Reason != "found again" {
		t.Errorf("%+v", info.Fences)
	}
	c.sound()
}

// Of two histories under one key the office believes one.
func TestExemptionOfOneHistoryOfTwo(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	common := d.saves(1)
	counter, last := d.counter, d.last
	c.fence(d)
	honest := d.saves(3)
	end := d.last
	d.goBack(counter, last)
	thief := d.saves(2)
	forks, err := c.Forks(t.Context())
	if err != nil || len(forks) != 1 || len(forks[0].Histories) != 2 || len(forks[0].Pairs) == 0 {
		t.Fatalf("%+v, %v", forks, err)
	}
	long, short := forks[0].Histories[0], forks[0].Histories[1]
	if long.End.Hash != end || long.Saves != 4 || long.Held != 3 || long.First != 1 || short.Saves != 3 || short.Held != 2 || short.End.Last != 3 {
		t.Errorf("%+v", forks[0].Histories)
	}
	if p := forks[0].Pairs[0]; p[0].Index >= p[1].Index || p[0].First != p[1].First || p[1].ReceivedAt.IsZero() {
		t.Errorf("%+v", p)
	}
	if err := c.Exempt(t.Context(), "wang", d.cert.Replica(), end, "the honest one"); err != nil {
		t.Fatal(err)
	}
	c.wants("common", common, ledger.Admitted)
	c.wants("honest", honest, ledger.Admitted)
	c.wants("thief", thief, ledger.HeldFence)
	c.sound()
}

// What two fences cut off together stays cut off, but for what is exempted.
func TestExemptionKeepsWhatOtherFencesCut(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	a := d.saves(1)
	c.fence(d)
	b := d.saves(1)
	mark := d.last
	last := d.saves(1)
	c.fence(d) // later and wider: the first stays in force
	c.wants("between", b, ledger.HeldFence)
	if err := c.Exempt(t.Context(), "wang", d.cert.Replica(), mark, "seen on paper"); err != nil {
		t.Fatal(err)
	}
	c.wants("first", a, ledger.Admitted)
	c.wants("exempted", b, ledger.Admitted)
	c.wants("beyond it", last, ledger.HeldFence)
	if err := c.LiftFence(t.Context(), "wang", d.cert.Replica(), "a mistake"); err != nil {
		t.Fatal(err)
	}
	c.wants("lifted", last, ledger.Admitted)
	if c.Fenced(d.cert.Replica()) {
		t.Error("still fenced")
	}
	c.sound()
}

// A replica that is cut off with the one before it is exempted there, too.
func TestExemptionOfASuccessor(t *testing.T) {
	c := newCentre(t)
	d, next := c.enrol(1, doctor("zhang", villageA)), c.stranger(9)
	c.fence(d)
	next.cert = c.succeed(d, next)
	saves := next.saves(2)
	c.wants("cut off with its predecessor", saves, ledger.HeldFence)
	info := c.deviceInfo(next)
	if !info.Revoked || len(info.Predecessors) != 1 || len(info.Fences) != 1 || info.Fences[0].Replica != d.cert.Replica() {
		t.Errorf("%+v", info)
	}
	if before := c.deviceInfo(d); len(before.Successors) != 1 || before.Successors[0] != next.cert.Replica() {
		t.Errorf("%+v", before.Successors)
	}
	if err := c.Exempt(t.Context(), "wang", next.cert.Replica(), segment.Hash{}, "found"); err != nil {
		t.Fatal(err)
	}
	c.wants("exempted", saves, ledger.Admitted)
	c.wants("later", next.saves(1), ledger.HeldFence)
	c.sound()
}

// Whatever the order of succession, revocation and renewals: once the office cuts a
// replica off, nothing that continues its rights pulls or saves any more.
func TestASuccessorNeverOutlivesItsPredecessorsRights(t *testing.T) {
	steps := []string{"succeed", "revoke", "renew the old", "renew the new", "certify the old"}
	permute(steps, func(order []string) {
		c := newCentre(t)
		d, next := c.enrol(1, doctor("zhang", villageA, villageB)), c.stranger(9)
		var revoked, succeeded bool
		for _, step := range order {
			c.now = c.now.Add(48 * time.Hour)
			switch step {
			case "succeed":
				next.cert, succeeded = c.succeed(d, next), true
			case "revoke":
				c.fence(d)
				revoked = true
			case "renew the old":
				c.renews(d, !revoked, order)
			case "renew the new":
				if succeeded {
					c.renews(next, !revoked, order)
				}
			case "certify the old": // by a person, with less
				if _, err := c.Certify(t.Context(), doctor("zhang", villageA), d.cert.PublicKey); err != nil {
					t.Fatal(order, err)
				}
			}
		}
		if now, err := c.Revoked(t.Context(), next.cert); err != nil || !now {
			t.Errorf("%v: the successor is not cut off, %v", order, err)
		}
		if next.create(kindNote, villageA, "139"); next.pushed() != ledger.HeldFence {
			t.Errorf("%v: the successor saves", order)
		}
		c.renews(next, false, order)
	})
}

// renews renews d's certificate, which must work or be refused as revoked.
func (c *centre) renews(d *device, works bool, order []string) {
	c.t.Helper()
	cert, err := c.Renew(c.t.Context(), d.cert)
	switch {
	case works && err != nil, !works && syncengine.ReasonOf(err) != syncengine.ReasonRevoked:
		c.t.Errorf("%v: renewed: %v", order, err)
	case err == nil:
		d.cert = cert
	}
}

// A session can hold a certificate that the office has narrowed since. A successor
// gets what is left.
func TestASuccessorHasTheRightsTheOfficeGaveLast(t *testing.T) {
	c := newCentre(t)
	d, next := c.enrol(1, doctor("zhang", villageA, villageB)), c.stranger(9)
	c.now = c.now.Add(time.Minute)
	if _, err := c.Certify(t.Context(), doctor("zhang", villageA), d.cert.PublicKey); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Minute)
	if cert := c.succeed(d, next); len(cert.Divisions) != 1 || cert.Divisions[0] != villageA {
		t.Errorf("it may see %v", cert.Divisions)
	}
}

// permute calls f with every order of all.
func permute(all []string, f func([]string)) {
	if len(all) <= 1 {
		f(all)
		return
	}
	for i := range all {
		rest := append(append([]string{}, all[:i]...), all[i+1:]...)
		permute(rest, func(order []string) { f(append([]string{all[i]}, order...)) })
	}
}
