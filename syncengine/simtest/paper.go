// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"io"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultWritten: what a device would say to the centre is carried there as a file.
	FaultWritten Fault = "file of a device read at the centre"
	// FaultAnswered: the centre's answer goes on where the device stands.
	FaultAnswered Fault = "answer in writing taken as from the centre"
	// FaultAnswerLate: it was written for where the device stood before.
	FaultAnswerLate Fault = "answer in writing taken as far as it was new"
	// FaultAnswerOld: it is of another epoch.
	FaultAnswerOld Fault = "answer in writing of an older epoch"
	// FaultUnasked: the centre writes to a device that has not written.
	FaultUnasked Fault = "file of the centre that nobody asked for"
	// FaultPaperCut: a file breaks off.
	FaultPaperCut Fault = "file cut off"
)

// paper is a file under way, up or down.
type paper struct {
	of   causal.ReplicaID // who wrote it, or whom it is for
	name string
	said []session.Said
	// Of an answer: what the centre sent records of when it wrote, and whether an
	// older file stood in its place then.
	cert   segment.Certificate
	sent   map[record.ID]bool
	copied bool
}

// reader returns what is written, one after the other.
func (p *paper) reader() func() (session.Said, error) {
	rest := p.said
	return func() (session.Said, error) {
		if len(rest) == 0 {
			return session.Said{}, io.EOF
		}
		s := rest[0]
		rest = rest[1:]
		return s, nil
	}
}

// cut loses the end of a file now and then.
func (w *World) cut(p *paper) *paper {
	if len(p.said) < 2 || !w.chance(w.odds.stickCut) {
		return p
	}
	w.happens(FaultPaperCut)
	out := *p
	out.said = p.said[:1+w.rnd.IntN(len(p.said)-1)]
	return &out
}

// keepSome keeps the files that are under way few.
func keepSome(papers []*paper) []*paper { return slices.Clone(papers[max(0, len(papers)-12):]) }

// stepWrite lets a device write what it would say to the centre.
func (w *World) stepWrite() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	d := pick(w, all)
	id, err := d.ID(w.ctx)
	w.must(err, "id")
	p := &paper{of: id, name: d.name}
	d.arrange()
	_, err = d.Write(w.ctx, replica.Options{}, func(s session.Said) error {
		p.said = append(p.said, s)
		return nil
	})
	if d.recover() {
		return
	}
	w.must(err, "write")
	d.look()
	w.tell("%s writes %d things", d.name, len(p.said))
	w.up = keepSome(append(w.up, p))
}

// stepAnswer lets the centre read such a file, or write by itself.
func (w *World) stepAnswer() {
	c := w.centre
	if len(w.up) == 0 {
		return
	}
	p := w.cut(pick(w, w.up))
	out := &paper{of: p.of, name: p.name, copied: c.copied}
	q := syncengine.Correspondence{Replica: p.of, PageRecords: 1 + w.rnd.IntN(5), Next: p.reader(), Yield: func(s session.Said) error {
		w.sayRoster(&s)
		out.said = append(out.said, s)
		return nil
	}}
	write, fault := c.Engine.Answer, FaultWritten
	if w.chance(0.2) {
		write, fault = c.Engine.Write, FaultUnasked
	}
	if _, err := c.CertificateOf(w.ctx, p.of); err != nil && fault == FaultUnasked {
		return // a restored centre has lost it
	}
	var err error
	if !c.do("answer "+p.name, func() error { _, err = write(w.ctx, q); return err }) {
		if syncengine.ReasonOf(err) == syncengine.ReasonRolledBack {
			w.happens(FaultRolledBackSeen) // what is written shows it as a caller would
			c.reopen()
		}
		return
	}
	w.happens(fault)
	for _, d := range w.living() {
		d.look()
	}
	cert, err := c.CertificateOf(w.ctx, p.of)
	w.must(err, "certificate")
	out.cert, out.sent = cert, w.sentTo(cert)
	w.down = keepSome(append(w.down, out))
}

// stepRead lets a device read an answer that is for it.
func (w *World) stepRead() {
	if len(w.down) == 0 {
		return
	}
	whole := pick(w, w.down)
	for _, d := range w.living() {
		ids, err := d.IDs(w.ctx)
		w.must(err, "ids")
		if slices.Contains(ids, whole.of) && w.chance(0.7) {
			d.read(whole, w.cut(whole))
			return
		}
	}
}

// read takes an answer and holds what came of it against what may.
func (d *device) read(whole, p *paper) {
	w := d.w
	d.arrange()
	d.hear(p)
	a, err := d.TakeAnswer(w.ctx, p.reader())
	crashed := d.recover()
	d.look()
	for _, f := range d.forms {
		f.synced = true
	}
	w.tell("%s reads: %d, %s", d.name, a.Fit, outcome(a.Report, err, crashed))
	d.count(a.Report)
	if a.Renewed {
		w.happens(FaultRenewed)
	}
	if cert, err := d.Certificate(w.ctx); err == nil {
		d.rights = syncengine.Rights{Role: cert.Role, Staff: cert.Staff, Divisions: cert.Divisions, Classes: cert.Classes, Label: cert.Label}
	}
	if a.Complete {
		d.sent = whole.sent
	}
	if crashed {
		return
	}
	w.must(err, d.name+" reads an answer")
	switch a.Fit {
	case replica.FitsHere:
		w.happens(FaultAnswered)
		if p == whole && !a.Complete && !a.Revoked && !a.Ahead && !w.centre.copied && !p.copied {
			w.fail("I12", "%s: states did not add up to the answer's", d.name)
		}
	case replica.FitsPartly:
		w.happens(FaultAnswerLate)
	case replica.FitsNot:
		w.happens(FaultAnswerOld)
	}
	for _, x := range a.Refused {
		if len(d.lost) == 0 || !d.stripped(x.Segment) {
			w.fail("I2", "%s: %.8s refused: %s", d.name, x.Segment, x.Reason)
		}
	}
}
