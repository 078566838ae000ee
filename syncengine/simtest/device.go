// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultTabletCrash: an app dies at a commit of its store, before or after it.
	FaultTabletCrash Fault = "tablet crashed at a commit"
	// FaultClone: a tablet's disk is copied and both copies go on.
	FaultClone Fault = "tablet cloned"
	// FaultTabletRestore: a tablet's disk is put back to an older copy.
	FaultTabletRestore Fault = "tablet restored from an older copy"
	// FaultLost: a tablet is stolen or falls into the river.
	FaultLost Fault = "tablet lost"
	// FaultReturned: an older copy of a tablet is found and switched on.
	FaultReturned Fault = "older copy of a tablet switched on"
	// FaultClock: a tablet's clock is years wrong, or stands still.
	FaultClock Fault = "clock wrong"
)

// keyring keeps a device's keys.
type keyring struct {
	w    *World
	keys map[causal.ReplicaID]ed25519.PrivateKey
}

// Signer returns a key that was made here.
func (k *keyring) Signer(id causal.ReplicaID) (segment.Signer, error) {
	key, ok := k.keys[id]
	if !ok {
		return nil, replica.ErrNoKey
	}
	return segment.KeySigner(key), nil
}

// New makes a key.
func (k *keyring) New() (segment.Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = k.w.Read(seed)
	key := ed25519.NewKeyFromSeed(seed)
	k.keys[causal.ReplicaOf(key.Public().(ed25519.PublicKey))] = key
	return segment.KeySigner(key), nil
}

// device is a tablet or a hub.
type device struct {
	w      *World
	name   string
	rights syncengine.Rights
	disk   *deviceDisk
	keys   *keyring
	*replica.Replica
	clock func() time.Time
	// clockMs is the latest time at which something was saved, tries how often
	// somebody tried: no save is dated later than the two together.
	clockMs, tries int64
	forms          []*form
	alive          bool
	away           int // steps for which nobody syncs it
	// had is every save that was ever on this disk and was not taken from it by
	// force: what the device itself let go, it let go on the centre's promise.
	had dots
	// seen are the segments of its store that had has.
	seen map[segment.Hash]bool
	// own are the saves that its people were told are saved.
	own       dots
	lost      dots          // its segments were damaged
	trust     session.Trust // in the server; see site
	met       time.Time     // when it last met it
	recipient []byte        // whom it encrypts to; nil: nobody

	report replica.Report     // of the last sync
	sent   map[record.ID]bool // what was in its scope at its last complete sync
}

func (d *device) hub() bool { return d.rights.Role == segment.RoleHub }

// deviceDisk is a device's store with crashes at its commits.
type deviceDisk struct {
	*memstore.Store
	next crash
	skip int // commits that go well before it
	gone bool
}

// View fails when the app is gone.
func (s *deviceDisk) View(ctx context.Context, f func(replica.Reader) error) error {
	if s.gone {
		return errCrash
	}
	return s.Store.View(ctx, f)
}

// Update commits, or crashes as was arranged.
func (s *deviceDisk) Update(ctx context.Context, f func(replica.Tx) error) error {
	if s.gone {
		return errCrash
	}
	next := s.next
	if next != crashNot && s.skip > 0 {
		s.skip, next = s.skip-1, crashNot
	}
	switch next {
	case crashBefore:
		s.gone = true
		return s.Store.Update(ctx, func(tx replica.Tx) error { return errors.Join(f(tx), errCrash) })
	case crashAfter:
		err := s.Store.Update(ctx, f)
		s.gone = true
		return errors.Join(err, errCrash)
	}
	return s.Store.Update(ctx, f)
}

// addDevice makes a device with an empty disk, enrols it at the centre, and adds it.
func (w *World) addDevice(name string, rights syncengine.Rights) *device {
	d := &device{
		w: w, name: name, rights: rights, disk: &deviceDisk{Store: memstore.New()}, alive: true,
		keys: &keyring{w, map[causal.ReplicaID]ed25519.PrivateKey{}}, had: dots{}, seen: map[segment.Hash]bool{}, own: dots{}, lost: dots{},
	}
	d.clock = func() time.Time { return w.now }
	if w.site != nil {
		d.trust = session.Trust{Pin: w.site.pin()}
	}
	d.open()
	w.devices = append(w.devices, d)
	d.enrol()
	return d
}

// open starts the app on the device's disk.
func (d *device) open() {
	d.disk = &deviceDisk{Store: d.disk.Store}
	r, err := replica.Open(d.w.ctx, replica.Config{
		Store: d.disk, Keys: d.keys, Clock: func() time.Time { return d.clock() }, Rand: d.w, Schema: d.w.schema, Recipient: d.recipient,
	})
	d.w.must(err, "open "+d.name)
	if d.w.opt.Replica != nil {
		d.w.opt.Replica(r)
	}
	d.Replica = r
}

// enrol gives the device's key a certificate with its rights, by a code.
func (d *device) enrol() {
	w := d.w
	key, err := d.PublicKey(w.ctx)
	w.must(err, "public key")
	code, err := w.centre.Invite(w.ctx, d.rights, time.Hour)
	w.must(err, "invite")
	cert, err := w.centre.Enrol(w.ctx, code, key)
	w.must(err, "enrol")
	w.must(d.Replica.Enrol(w.ctx, w.centre.ShardKey(), cert.Raw), "keep the certificate")
	w.tell("%s enrolled as %.4x", d.name, causal.ReplicaOf(key))
}

// arrange decides whether one of the device's next commits goes wrong.
func (d *device) arrange() {
	if d.w.chance(d.w.odds.tabletCrash) {
		d.disk.next, d.disk.skip = pick(d.w, []crash{crashBefore, crashAfter}), d.w.rnd.IntN(6)
	}
}

// recover starts the app again if it is gone, and reports whether it was.
func (d *device) recover() bool {
	d.disk.next = crashNot
	if !d.disk.gone {
		return false
	}
	d.w.happens(FaultTabletCrash)
	d.w.tell("%s: crashed", d.name)
	d.forms = nil
	d.open()
	d.look() // what a commit put there before it was known
	return true
}

// look takes note of what is on the device's disk.
func (d *device) look() {
	err := d.disk.Store.View(d.w.ctx, func(r replica.Reader) error {
		rows, err := r.Scan(replica.Segments, nil, nil, 1<<20)
		if err != nil {
			return err
		}
		for _, row := range rows {
			h := segment.Hash(row.Key)
			if d.seen[h] {
				continue
			}
			full, _, err := r.Get(replica.Segments, row.Key)
			if err != nil {
				return err
			}
			if s, err := segment.Open(full.Body); err != nil || s.Hash() != h {
				continue // damaged
			}
			d.seen[h] = true
			for _, dot := range d.w.oracle.segment(h, full.Body) {
				d.had[dot] = true
				if d.hub() {
					d.w.oracle.clinic[dot] = true
				}
			}
		}
		return nil
	})
	d.w.must(err, "look at "+d.name)
}

// image is a copy of a device's disk.
type image struct {
	of             string
	rights         syncengine.Rights
	store          *memstore.Store
	keys           map[causal.ReplicaID]ed25519.PrivateKey
	clock          func() time.Time
	clockMs, tries int64
	lost           dots
	had            dots
	seen           map[segment.Hash]bool
	own            dots
	sent           map[record.ID]bool
	trust          session.Trust
	met            time.Time
	recipient      []byte
}

func (d *device) image() *image {
	return &image{
		d.name, d.rights, d.disk.Clone(), maps.Clone(d.keys.keys), d.clock, d.clockMs, d.tries, maps.Clone(d.lost),
		maps.Clone(d.had), maps.Clone(d.seen), maps.Clone(d.own), d.sent, d.trust, d.met, d.recipient,
	}
}

// load puts a copy onto a device's disk and starts the app.
func (d *device) load(m *image) {
	d.rights, d.clock, d.clockMs, d.tries, d.lost = m.rights, m.clock, m.clockMs, m.tries, maps.Clone(m.lost)
	d.disk = &deviceDisk{Store: m.store.Clone()}
	d.keys = &keyring{d.w, maps.Clone(m.keys)}
	d.had, d.seen, d.own = maps.Clone(m.had), maps.Clone(m.seen), maps.Clone(m.own)
	d.sent, d.trust, d.met, d.recipient = m.sent, m.trust, m.met, m.recipient
	d.forms = nil
	d.open()
}

// switchOn makes another device from a copy.
func (w *World) switchOn(m *image) *device {
	d := &device{w: w, name: fmt.Sprintf("%s'%d", m.of, len(w.devices)), alive: true}
	d.load(m)
	w.devices = append(w.devices, d)
	return d
}

// lose takes a device away for ever.
func (d *device) lose() {
	d.alive = false
	d.w.oracle.destroyed(d.had, nil)
	d.had = dots{}
}

// living returns the devices that are there, in order.
func (w *World) living() []*device {
	return slices.DeleteFunc(slices.Clone(w.devices), func(d *device) bool { return !d.alive })
}

// tablets returns the living devices on which people work.
func (w *World) tablets() []*device {
	return slices.DeleteFunc(w.living(), (*device).hub)
}

// hubs returns the living hubs.
func (w *World) hubs() []*device {
	return slices.DeleteFunc(w.living(), func(d *device) bool { return !d.hub() })
}
