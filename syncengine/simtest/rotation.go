// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"context"
	"crypto/ecdh"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultAuthorityRotated: the authority that signs the server's certificates is replaced.
	FaultAuthorityRotated Fault = "server's authority replaced"
	// FaultAuthorityBack: an older folder is put back, and a former authority with it.
	FaultAuthorityBack Fault = "former authority of the server put back"
	// FaultRecipientRotated: tablets are to encrypt to another key.
	FaultRecipientRotated Fault = "recipient key replaced"
	// FaultImpostor: somebody with an authority of before a rotation plays the server.
	FaultImpostor Fault = "false server not followed"
	// FaultFollowed: a device follows him that has not met the true server since.
	FaultFollowed Fault = "false server followed by who had not heard of the rotation"
	// FaultRosterRead: a device reads of a rotation before it met the server.
	FaultRosterRead Fault = "rotation read of in an answer in writing"
	// FaultLocked: a tablet that nobody unlocked hands over what was sealed.
	FaultLocked Fault = "locked tablet synced"
	// FaultFormerRecipient: what it hands over was encrypted before a rotation.
	FaultFormerRecipient Fault = "envelope to a former recipient opened"
)

// rotations is the era from which on keys of the server are replaced.
const rotations = 6

// site is what stands in the county's folder beside the file of records: it is put
// back by no older copy of that file.
type site struct {
	authorities []authority // the present one last
	rosters     []session.Roster
	recipients  []*ecdh.PrivateKey // the present one last
}

// authority signs the certificates of the server's TLS until it is replaced.
type authority struct {
	pin   session.Pin
	since time.Time // when it took over
}

func (s *site) pin() session.Pin { return s.authorities[len(s.authorities)-1].pin }

func (s *site) recipient() *ecdh.PrivateKey { return s.recipients[len(s.recipients)-1] }

func (s *site) roster() session.Roster { return s.rosters[len(s.rosters)-1] }

// found makes the county's first keys.
func (w *World) found() {
	w.site = &site{}
	w.newAuthority()
	w.newRecipient()
	w.signRoster()
}

func (w *World) newAuthority() {
	a := authority{since: w.now}
	_, _ = w.Read(a.pin[:])
	w.site.authorities = append(w.site.authorities, a)
}

// replacedAt returns when the authority with a pin served last, and whether it does
// not serve now: an older folder that is put back brings its authority back.
func (s *site) replacedAt(pin session.Pin) (time.Time, bool) {
	for i, a := range slices.Backward(s.authorities) {
		if a.pin == pin {
			if i == len(s.authorities)-1 {
				return time.Time{}, false
			}
			return s.authorities[i+1].since, true
		}
	}
	return time.Time{}, false
}

func (w *World) newRecipient() {
	seed := make([]byte, 32)
	_, _ = w.Read(seed)
	key, err := ecdh.X25519().NewPrivateKey(seed)
	w.must(err, "recipient key")
	w.site.recipients = append(w.site.recipients, key)
}

// signRoster says what is so now, later than all that was said before.
func (w *World) signRoster() {
	w.passes(time.Millisecond)
	r, err := session.SignRoster(segment.KeySigner(w.centre.key), session.Roster{
		IssuedAt: w.now.UTC(), Pins: []session.Pin{w.site.pin()}, Recipient: w.site.recipient().PublicKey().Bytes(),
	})
	w.must(err, "sign a roster")
	w.site.rosters = append(w.site.rosters, r)
}

func (w *World) stepRotateAuthority() {
	if w.chance(0.2) {
		w.happens(FaultAuthorityBack)
		w.site.authorities = append(w.site.authorities, authority{pick(w, w.site.authorities).pin, w.now})
	} else {
		w.happens(FaultAuthorityRotated)
		w.newAuthority()
	}
	w.signRoster()
	w.tell("authority %d serves", len(w.site.authorities))
}

func (w *World) stepRotateRecipient() {
	w.happens(FaultRecipientRotated)
	if w.opt.ForgetsRecipients {
		w.site.recipients = nil
	}
	w.newRecipient()
	w.signRoster()
	w.tell("recipient %d is encrypted to", len(w.site.recipients))
}

// meet is the handshake with the true server, which every device that was ever
// enrolled must find, however long it was away and whatever was replaced meanwhile.
func (d *device) meet() {
	w := d.w
	if w.site == nil {
		return
	}
	trust, ok := w.meets(d.trust, w.site.pin(), w.site.roster())
	if !ok {
		w.fail("rotation", "%s does not know the server any more", d.name)
	}
	d.trust, d.met = trust, w.now
}

func (w *World) meets(t session.Trust, pin session.Pin, shown session.Roster) (session.Trust, bool) {
	if w.opt.Meets != nil {
		return w.opt.Meets(t, pin, shown)
	}
	return t.Meets(pin, shown)
}

// adopt takes the recipient that the roster names: its app is open, so it can.
func (d *device) adopt() {
	if d.w.site == nil || slices.Equal(d.recipient, d.trust.Roster.Recipient) {
		return
	}
	d.recipient = d.trust.Roster.Recipient
	d.open()
}

// sayRoster has an answer in writing say what the server would.
func (w *World) sayRoster(s *session.Said) {
	if s.Answering != nil && w.site != nil {
		with := *s.Answering
		with.Roster = w.site.roster().Raw
		s.Answering = &with
	}
}

// hear takes what an answer in writing says of the server.
func (d *device) hear(p *paper) {
	if d.w.site == nil || len(p.said) == 0 || p.said[0].Answering == nil {
		return
	}
	r, err := session.OpenRoster(p.said[0].Answering.Roster, d.w.centre.Shard())
	d.w.must(err, "roster in writing")
	d.trust = d.trust.Hears(r)
	if d.met.Before(r.IssuedAt) {
		d.met = r.IssuedAt
		d.w.happens(FaultRosterRead)
	}
	d.adopt()
}

// stepImpostor lets somebody who has a former authority, and all rosters that were
// ever shown, play the server. Who has met the true one since it was replaced must not
// follow him.
func (w *World) stepImpostor() {
	all := w.living()
	stolen := pick(w, w.site.authorities).pin
	replaced, former := w.site.replacedAt(stolen)
	if !former || len(all) == 0 {
		return
	}
	d := pick(w, all)
	_, follows := w.meets(d.trust, stolen, pick(w, w.site.rosters))
	switch {
	case follows && !d.met.Before(replaced):
		w.fail("rotation", "%s follows an authority that was replaced before it last met the server", d.name)
	case follows:
		w.happens(FaultFollowed)
	default:
		w.happens(FaultImpostor)
	}
}

// stepLocked lets a tablet that nobody unlocked hand over what was sealed before.
func (w *World) stepLocked() {
	d := w.nearby()
	if d == nil || d.recipient == nil || d.away > 0 || w.centre.copied {
		return
	}
	l := &line{w: w, from: d}
	k, ok := d.login(l)
	if !ok {
		return
	}
	l.peer = k
	w.happens(FaultLocked)
	_ = d.sync(l, replica.Options{Locked: true})
}

// open returns the push with its envelopes opened, as a server does: by the key of
// today or a former one.
func (w *World) open(q session.PushRequest) session.PushRequest {
	for _, raw := range q.Envelopes {
		e, err := segment.DecodeEnvelope(raw)
		w.must(err, "envelope")
		q.Segments = append(q.Segments, w.openEnvelope(e))
	}
	q.Envelopes = nil
	return q
}

func (w *World) openEnvelope(e segment.Envelope) []byte {
	for i, key := range slices.Backward(w.site.recipients) {
		if s, err := segment.OpenEnvelope(key.Bytes(), w.centre.Shard(), e); err == nil {
			if i < len(w.site.recipients)-1 {
				w.happens(FaultFormerRecipient)
			}
			return s.Bytes()
		}
	}
	w.fail("rotation", "an envelope that no key of the county opens")
	return nil
}

// Push answers for the server and the engine behind it.
func (k desk) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	return k.w.centre.Push(ctx, k.w.open(q))
}
