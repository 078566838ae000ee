// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"errors"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	// FaultSuccession: a device learns that somebody else saves under its key and
	// goes on under a new one.
	FaultSuccession Fault = "fork noticed, key succeeded"
	// FaultEnrolledAnew: it had to ask a person, after three in a row.
	FaultEnrolledAnew Fault = "key succeeded too often, enrolled anew by a person"
	// FaultExpired: a device whose certificate has expired asks for records.
	FaultExpired Fault = "pull with an expired certificate refused"
	// FaultRenewed: a certificate is renewed.
	FaultRenewed Fault = "certificate renewed"
	// FaultRevokedSync: a device that is cut off syncs.
	FaultRevokedSync Fault = "revoked device synced"
	// FaultRolledBackSeen: the centre learns from a caller that its file is an older
	// one, or the caller does.
	FaultRolledBackSeen Fault = "older file noticed"
	// FaultGapStated: a device states that it lost some of its saves.
	FaultGapStated Fault = "gap stated by its author"
	// FaultNewEpoch: a device follows the centre into a new epoch.
	FaultNewEpoch Fault = "device entered a new epoch"
)

// login opens a session at the centre: the device hands in its certificate and
// gets the newest there is of it. It returns nothing when the line is down.
func (d *device) login(l *line) (desk, bool) {
	w := d.w
	cert, err := d.Certificate(w.ctx)
	w.must(err, "certificate")
	newest := cert
	err = l.around(func() error {
		c, err := w.centre.CertificateOf(w.ctx, cert.Replica())
		switch {
		case err == nil && c.IssuedAt.Before(cert.IssuedAt): // a restored centre has lost the newest
		case err == nil:
			newest = c
		case syncengine.ReasonOf(err) == syncengine.ReasonNotFound:
			err = nil // a restored centre has lost it; it bears the shard's signature
		}
		return err
	}, nil)
	if l.cut {
		return desk{}, false
	}
	w.must(err, "log in")
	d.meet()
	if newest.ExpiresAt.Sub(w.centre.now()) < 30*24*time.Hour && !w.chance(w.odds.lazy) {
		was := newest
		err := l.around(func() (err error) { newest, err = w.centre.Renew(w.ctx, was); return err }, nil)
		switch reason := syncengine.ReasonOf(err); {
		case l.cut, err != nil && (reason == syncengine.ReasonRolledBack || reason == syncengine.ReasonFull):
			return desk{}, false
		case err != nil && reason == syncengine.ReasonRevoked:
			newest = was
		default:
			w.must(err, "renew")
			w.happens(FaultRenewed)
		}
	}
	if newest.Hash != cert.Hash {
		d.arrange()
		err := d.Replica.Enrol(w.ctx, w.centre.ShardKey(), newest.Raw)
		if d.recover() {
			return desk{}, false
		}
		w.must(err, "take the newest certificate")
		d.rights = syncengine.Rights{Role: newest.Role, Staff: newest.Staff, Divisions: newest.Divisions, Classes: newest.Classes, Label: newest.Label}
	}
	return desk{w, newest}, true
}

// syncDirect syncs a device with the centre and reports whether the sync came to
// its end.
func (d *device) syncDirect() bool {
	w := d.w
	l := &line{w: w, from: d}
	k, ok := d.login(l)
	if !ok {
		w.tell("%s cannot reach the centre", d.name)
		return false
	}
	l.peer = k
	d.adopt()
	return d.sync(l, replica.Options{PageRecords: 1 + w.rnd.IntN(5)}) == nil
}

// sync runs one sync over a line and holds its outcome against what may happen.
func (d *device) sync(l *line, o replica.Options) error {
	w := d.w
	d.arrange()
	disk := d.disk
	report, err := d.Sync(w.ctx, l, o)
	d.report = report
	crashed := d.recover() || disk.gone // by a save made meanwhile
	d.look()
	for _, f := range d.forms {
		f.synced = true
	}
	w.tell("%s synced: %s", d.name, outcome(report, err, crashed))
	d.count(report)
	if report.Complete {
		cert := d.session(l, report)
		d.sent = w.sentTo(cert)
		d.checkOffice(cert)
	}
	if crashed {
		return errCrash
	}
	d.judgeSync(l, report, err)
	return err
}

func (d *device) count(r replica.Report) {
	if !r.Successor.IsZero() {
		d.w.happens(FaultSuccession)
	}
	if r.Gaps > 0 {
		d.w.happens(FaultGapStated)
	}
	if r.Revoked {
		d.w.happens(FaultRevokedSync)
	}
	if r.NewEpoch && r.Epoch.Number > 1 {
		d.w.happens(FaultNewEpoch)
	}
}

// judgeSync fails the run on an outcome that nothing explains.
func (d *device) judgeSync(l *line, r replica.Report, err error) {
	w := d.w
	if r.Repulled && !w.centre.copied {
		d.explain()
		w.fail("I12", "%s: states did not add up to the centre's", d.name)
	}
	for _, x := range r.Refused {
		if l.to != nil && len(d.lost) > 0 && d.stripped(x.Segment) {
			continue // the order that stripped it was in a segment that was lost here
		}
		w.fail("I2", "%s: %.8s refused: %s", d.name, x.Segment, x.Reason)
	}
	reason := syncengine.ReasonOf(err)
	switch {
	case err == nil, l.cut:
	case reason == syncengine.ReasonFull:
	case (errors.Is(err, replica.ErrHistoryRewritten) || errors.Is(err, replica.ErrFingerprint)) && w.centre.copied:
		w.happens(FaultRolledBackSeen)
		w.centre.reopen()
	case reason == syncengine.ReasonRolledBack && (w.centre.copied || w.centre.behind):
		w.happens(FaultRolledBackSeen)
		w.centre.reopen()
	case errors.Is(err, replica.ErrEpochBehind) && (w.centre.copied || w.centre.behind):
		w.happens(FaultRolledBackSeen)
		w.centre.reopen()
	case reason == syncengine.ReasonRevoked, l.to != nil && errors.Is(err, replica.ErrNotEnrolled):
		w.happens(FaultRevokedSync) // it brought the fence itself
	case reason == syncengine.ReasonExpired:
		w.happens(FaultExpired)
	case errors.Is(err, replica.ErrRightsChanged) && !d.report.Successor.IsZero():
		// The office gave the key other rights: the next sync is in a session of its own.
	case errors.Is(err, replica.ErrSuccession) && reason == syncengine.ReasonSuccession:
		d.enrolAnew()
	default:
		w.fail("sync", "%s: %v", d.name, err)
	}
}

// stripped reports whether a device holds a segment out of which an order took a body.
func (d *device) stripped(h segment.Hash) (yes bool) {
	d.w.must(d.disk.Store.View(d.w.ctx, func(r replica.Reader) error {
		row, _, err := r.Get(replica.Segments, h[:])
		if err != nil {
			return err
		}
		s, err := segment.Open(row.Body)
		for i := 0; err == nil && i < s.Len(); i++ {
			yes = yes || s.Erased(i)
		}
		return nil
	}), "look for "+h.String())
	return yes
}

// enrolAnew is a person at the office who gives a device a new certificate, after
// which it may succeed its key again.
func (d *device) enrolAnew() {
	w := d.w
	key, err := d.PublicKey(w.ctx)
	w.must(err, "public key")
	if w.centre.do("certify", func() error {
		cert, err := w.centre.Certify(w.ctx, d.rights, key)
		if err != nil {
			return err
		}
		return d.Replica.Enrol(w.ctx, w.centre.ShardKey(), cert.Raw)
	}) {
		w.happens(FaultEnrolledAnew)
	}
}

func outcome(r replica.Report, err error, crashed bool) string {
	out := ""
	add := func(n int, what string) {
		if n > 0 {
			out += " " + what
			if n > 1 {
				out += "×" + string(rune('0'+min(n, 9)))
			}
		}
	}
	flag := func(b bool, what string) { add(map[bool]int{true: 1}[b], what) }
	add(r.Sealed, "sealed")
	add(r.Pushed, "pushed")
	add(r.Already, "already")
	add(r.Blocked, "blocked")
	add(r.Gaps, "gaps")
	add(len(r.Refused), "refused")
	add(r.Bases, "bases")
	add(r.Departures, "departures")
	add(r.Office, "office")
	flag(r.NewEpoch, "new-epoch")
	flag(r.Forked, "forked")
	flag(!r.Successor.IsZero(), "succeeded")
	flag(r.Revoked, "revoked")
	flag(r.Complete, "complete")
	flag(crashed, "crashed")
	if err != nil {
		out += " (" + err.Error() + ")"
	}
	return out
}

// session returns the certificate for which the centre handed out what a sync took:
// the one shown at its beginning, unless the sync went on under another key.
func (d *device) session(l *line, r replica.Report) segment.Certificate {
	if k, ok := l.peer.(desk); ok && r.Successor.IsZero() {
		return k.cert
	}
	return d.certificate()
}

// certificate returns the newest certificate of a device's present key: what the
// centre says, or the device's own if the centre has lost it.
func (d *device) certificate() segment.Certificate {
	id, err := d.ID(d.w.ctx)
	d.w.must(err, "id")
	c, err := d.w.centre.CertificateOf(d.w.ctx, id)
	own, oerr := d.Certificate(d.w.ctx)
	if err != nil || oerr == nil && c.IssuedAt.Before(own.IssuedAt) {
		c, err = own, oerr
	}
	d.w.must(err, "certificate")
	return c
}

// staff returns somebody who may save on the device.
func (d *device) staff() string {
	return pick(d.w, slices.Sorted(slices.Values(d.rights.Staff)))
}

// explain tells which records make the difference.
func (d *device) explain() {
	w := d.w
	cert := d.certificate()
	ids := map[record.ID]bool{}
	list, _ := d.List(w.ctx, listAll)
	for _, s := range list {
		ids[s.Record] = true
	}
	for id := range w.sentTo(cert) {
		ids[id] = true
	}
	for id := range ids {
		s, err := d.View(w.ctx, id)
		v, verr := w.centre.Get(w.ctx, id)
		w.tell("%.4x: here %v %d bytes opens %v departed %v; centre %v %d bytes at %d in %v class %d", id[10:], err, len(s.State.Append(nil)), s.Opens, s.Departed,
			verr, len(v.Row.State), v.Row.Position, v.Row.Divisions, v.Row.Class)
	}
	mine, _ := d.Certificate(w.ctx)
	w.tell("certificate %v %v, own %v %v", cert.Divisions, cert.Classes, mine.Divisions, mine.Classes)
}
