// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// maxHellos is how many Hellos one replica may write at a time: 262,144 segments, with
// some 20 MB of memory for what they offer.
const maxHellos = 64

// Correspondence is a session in writing with one replica. Next and Yield must be
// given, but for Write, which reads nothing.
type Correspondence struct {
	Replica causal.ReplicaID
	// Next returns what the replica wrote, one thing after the other, io.EOF at the end.
	Next func() (session.Said, error)
	// Yield takes the answer, one thing after the other.
	Yield func(session.Said) error
	// Push takes segments; nil: the engine's own. One that opens envelopes is wrapped
	// around that.
	Push func(context.Context, session.PushRequest) (session.PushReply, error)
	// Turn waits until the caller may read a page and returns what ends that; nil:
	// nobody waits.
	Turn func(context.Context) (func(), error)
	// PageRecords is how many records a page has; 0: the engine's choice.
	PageRecords int
}

// Corresponded says what became of a correspondence.
type Corresponded struct {
	Stored, Already, Blocked, Refused int // segments
	Records                           int // in the answer
	Revoked                           bool
	Renewed                           bool
}

// Answer takes what a replica wrote and answers it as it would in a session: what is
// pushed is stored before it is answered. The same again does no harm. An expired
// certificate is renewed with the answer, and so is one whose divisions have other codes. Errors: ReasonInvalid where it does not begin
// with a Hello that shows the replica's certificate, ReasonTooMuch, ReasonRolledBack,
// Next's and Yield's, the store's.
func (e *Engine) Answer(ctx context.Context, c Correspondence) (Corresponded, error) {
	a := answering{e: e, Correspondence: c}
	if err := a.read(ctx); err != nil {
		return a.out, fmt.Errorf("answer: %w", err)
	}
	err := a.rest(ctx)
	if err != nil {
		err = fmt.Errorf("answer: %w", err)
	}
	return a.out, err
}

// Write writes to a replica that wrote nothing: acks of all that is stored of it, the
// centre's own segments and the states in its scope. Errors: ReasonNotFound for a
// replica without a certificate, those of Answer.
func (e *Engine) Write(ctx context.Context, c Correspondence) (Corresponded, error) {
	a := answering{e: e, Correspondence: c}
	err := a.unasked(ctx)
	if err == nil {
		err = a.rest(ctx)
	}
	if err != nil {
		err = fmt.Errorf("write: %w", err)
	}
	return a.out, err
}

// answering is one answer.
type answering struct {
	Correspondence
	e      *Engine
	shown  segment.Certificate // by the replica, or the newest of one that wrote nothing
	hellos []session.HelloRequest
	says   session.Answering
	out    Corresponded
}

// read takes what the replica wrote.
func (a *answering) read(ctx context.Context) error {
	for {
		said, err := a.Next()
		switch {
		case errors.Is(err, io.EOF) && a.hellos != nil:
			return nil
		case errors.Is(err, io.EOF):
			err = refuse(ReasonInvalid, "read", errors.New("nothing is written"))
		case err != nil:
		case said.Hello != nil:
			err = a.hello(ctx, *said.Hello)
		case said.Push != nil && a.hellos != nil:
			err = a.push(ctx, *said.Push)
		default:
			err = refuse(ReasonInvalid, "read", errors.New("it does not begin with a hello"))
		}
		if err != nil {
			return err
		}
	}
}

// hello keeps a Hello for later: what it asks is answered once everything is taken. The
// first one says who writes, and shows whether the file here is an older one.
func (a *answering) hello(ctx context.Context, q session.HelloRequest) error {
	if len(a.hellos) == maxHellos {
		return refuse(ReasonTooMuch, "hello", fmt.Errorf("more than %d", maxHellos))
	}
	a.hellos = append(a.hellos, q)
	if len(a.hellos) > 1 {
		return nil
	}
	if err := a.introduce(q.Certificates); err != nil {
		return err
	}
	q.Offers = nil
	reply, err := a.e.Hello(ctx, a.shown, q)
	if err != nil {
		return err
	}
	a.says = session.Answering{
		Epoch: reply.Epoch, Seen: q.Epoch, Certificate: a.shown.Hash, Cursor: q.Cursor,
		CursorHolds: reply.CursorHolds && len(q.Cursor) > 0,
	}
	if p, err := ledger.OpenCheckpoint(q.Checkpoint, a.e.ShardKey()); err == nil && p.Epoch == reply.Epoch {
		a.says.Checkpoint = p.Size
	}
	return a.Yield(session.Said{Answering: &a.says})
}

// introduce reads the certificate that the replica uses: the first it shows.
func (a *answering) introduce(certificates [][]byte) error {
	if len(certificates) == 0 {
		return refuse(ReasonInvalid, "hello", errors.New("no certificate"))
	}
	cert, err := segment.ParseCertificate(certificates[0], a.e.ShardKey())
	if err == nil && cert.Replica() != a.Replica {
		err = fmt.Errorf("certificate of %s", cert.Replica())
	}
	if err != nil {
		return refuse(ReasonInvalid, "hello", err)
	}
	a.shown = cert
	return nil
}

func (a *answering) push(ctx context.Context, q session.PushRequest) error {
	push := a.Push
	if push == nil {
		push = a.e.Push
	}
	reply, err := push(ctx, q)
	if err != nil {
		return err
	}
	for _, res := range reply.Results {
		switch res.Outcome {
		case session.OutcomeStored:
			a.out.Stored++
		case session.OutcomeAlready:
			a.out.Already++
		case session.OutcomeGap:
			a.out.Blocked++
		case session.OutcomeRefused:
			a.out.Refused++
		}
	}
	return a.Yield(session.Said{PushReply: &reply})
}

// unasked stands in for what was not written.
func (a *answering) unasked(ctx context.Context) (err error) {
	if a.shown, err = a.e.CertificateOf(ctx, a.Replica); err != nil {
		return err
	}
	offers, err := a.e.segmentsOf(ctx, a.Replica)
	if err != nil {
		return err
	}
	for a.hellos = []session.HelloRequest{{}}; len(offers) > 0; offers = offers[min(len(offers), session.MaxOffers):] {
		a.hellos = append(a.hellos, session.HelloRequest{Offers: offers[:min(len(offers), session.MaxOffers)]})
	}
	a.says = session.Answering{Epoch: a.e.Epoch(), Certificate: a.shown.Hash}
	return a.Yield(session.Said{Answering: &a.says})
}

// segmentsOf names every stored segment of a replica.
func (e *Engine) segmentsOf(ctx context.Context, replica causal.ReplicaID) (out []session.Offer, err error) {
	err = e.view(ctx, func(r Reader) error {
		heads, err := allSegments(r, replica, 1)
		for _, h := range heads {
			out = append(out, session.Offer{Hash: h.Hash, Replica: replica, First: h.First, Last: h.Last})
		}
		return err
	})
	return out, err
}

// rest writes the answer from the certificate on.
func (a *answering) rest(ctx context.Context) error {
	cert, err := a.certificate(ctx)
	if err != nil {
		return err
	}
	for _, q := range a.hellos {
		reply, err := a.e.Hello(ctx, cert, q)
		if err != nil {
			return err
		}
		a.out.Revoked = reply.Revoked
		if err := a.Yield(session.Said{HelloReply: &reply}); err != nil {
			return err
		}
	}
	if a.out.Revoked {
		return nil
	}
	return a.pages(ctx, cert)
}

// certificate returns the one that the pages are for, and sends it along where the
// replica did not show it.
func (a *answering) certificate(ctx context.Context) (segment.Certificate, error) {
	cert, err := a.e.CertificateOf(ctx, a.Replica)
	if err != nil {
		return cert, err
	}
	if (!a.e.now().Before(cert.ExpiresAt) || a.e.Recoded(cert)) && !a.e.revoked(cert) {
		if cert, err = a.e.Renew(ctx, cert); err != nil {
			return cert, err
		}
		a.out.Renewed = true
	}
	if cert.Hash == a.shown.Hash {
		return cert, nil
	}
	return cert, a.Yield(session.Said{Certificate: cert.Raw})
}

func (a *answering) pages(ctx context.Context, cert segment.Certificate) error {
	q := session.PullRequest{CheckpointSize: a.says.Checkpoint, PageRecords: a.PageRecords}
	if a.says.CursorHolds {
		q.Cursor = a.says.Cursor
	}
	for {
		page, err := a.page(ctx, cert, q)
		if err != nil {
			return err
		}
		a.out.Records += len(page.Bases)
		if err := a.Yield(session.Said{Page: &page}); err != nil || page.Last != nil {
			return err
		}
		q.Cursor = page.Cursor
	}
}

func (a *answering) page(ctx context.Context, cert segment.Certificate, q session.PullRequest) (session.Page, error) {
	if a.Turn != nil {
		done, err := a.Turn(ctx)
		if err != nil {
			return session.Page{}, err
		}
		defer done()
	}
	return a.e.PullPage(ctx, cert, q)
}
