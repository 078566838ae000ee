// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Turn waits until somebody may read a page, and returns what ends that.
type Turn func(context.Context) (func(), error)

// BundleReport says what became of a bundle.
type BundleReport struct {
	syncengine.Corresponded
	Replica causal.ReplicaID // that wrote it, or whom it is for
	MadeAt  time.Time
	// BrokenOff says that the file ended before its end, or was damaged from some place
	// on. What stood before that was taken and answered.
	BrokenOff bool
}

// ImportBundle takes what a replica wrote from in and writes the answer, for the
// replica's key, to out. What was pushed is on disk before its answer is written.
// Errors: those of syncengine.Answer, ReasonUnreadable for a file that is no bundle,
// ReasonWrongShard for one that is not for this county, in's and out's.
func (c *County) ImportBundle(ctx context.Context, in io.Reader, out io.Writer, turn Turn) (BundleReport, error) {
	r, err := bundle.NewReader(in, c.opens)
	if err != nil {
		return BundleReport{}, unreadable(err)
	}
	defer r.Close() //nolint:errcheck // nothing is lost with it
	report := BundleReport{Replica: r.Header().Replica, MadeAt: r.Header().MadeAt}
	w, err := c.answerTo(r.Header(), out)
	if err != nil {
		return report, err
	}
	begun := false
	report.Corresponded, err = c.Engine.Answer(ctx, syncengine.Correspondence{
		Replica: report.Replica, Yield: c.withRoster(w.Write), Push: c.Push, Turn: turn,
		Next: func() (session.Said, error) {
			said, err := r.Next()
			broken := errors.Is(err, bundle.ErrCut) || errors.Is(err, bundle.ErrDamaged)
			switch {
			case broken && begun:
				report.BrokenOff, err = true, io.EOF
			case err != nil && !errors.Is(err, io.EOF):
				err = unreadable(err)
			}
			begun = true
			return said, err
		},
	})
	if err != nil {
		return report, err
	}
	return report, w.Close()
}

// ExportBundle writes a bundle for a replica that has not written: acks of all that is
// stored of it, the centre's own segments, and the states in its scope. Errors: those
// of syncengine.Write, out's.
func (c *County) ExportBundle(ctx context.Context, replica causal.ReplicaID, out io.Writer, turn Turn) (BundleReport, error) {
	report := BundleReport{Replica: replica, MadeAt: c.now()}
	cert, err := c.Engine.CertificateOf(ctx, replica)
	if err != nil {
		return report, err
	}
	w, err := c.answerTo(bundle.Header{Replica: replica, Key: cert.PublicKey}, out)
	if err != nil {
		return report, err
	}
	report.Corresponded, err = c.Engine.Write(ctx, syncengine.Correspondence{Replica: replica, Yield: c.withRoster(w.Write), Turn: turn})
	if err != nil {
		return report, err
	}
	return report, w.Close()
}

// opens returns the keys for a bundle that goes up to this county: tablets that were
// away encrypt to a former one.
func (c *County) opens(h bundle.Header) (out []age.Identity, err error) {
	if h.Shard != c.Shard() || h.Direction != bundle.Up {
		return nil, bundle.ErrNotForHere
	}
	for _, key := range c.recipients() {
		id, err := bundle.ShardIdentity(key.Bytes())
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// answerTo begins the bundle that goes down to who wrote one with this header.
func (c *County) answerTo(up bundle.Header, out io.Writer) (*bundle.Writer, error) {
	to, err := bundle.ReplicaRecipient(up.Key)
	if err != nil {
		return nil, unreadable(err)
	}
	down := bundle.Header{Direction: bundle.Down, Shard: c.Shard(), Replica: up.Replica, MadeAt: c.now()}
	if _, err := io.ReadFull(c.means.Rand, down.ID[:]); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return bundle.NewWriter(out, down, c.shard, to)
}

// withRoster has an answer say whom to encrypt to: who uses sticks only meets no server
// that could say it.
func (c *County) withRoster(write func(session.Said) error) func(session.Said) error {
	return func(s session.Said) error {
		if s.Answering != nil {
			with := *s.Answering
			with.Roster = c.roster.Raw
			s.Answering = &with
		}
		return write(s)
	}
}

func (c *County) now() time.Time { return c.means.Clock().UTC().Truncate(time.Millisecond) }

// unreadable gives what package bundle says of a file the engine's reasons.
func unreadable(err error) error {
	reason := syncengine.ReasonUnreadable
	switch {
	case errors.Is(err, bundle.ErrNotForHere):
		reason = syncengine.ReasonWrongShard
	case errors.Is(err, bundle.ErrNotBundle), errors.Is(err, bundle.ErrNewer), errors.Is(err, bundle.ErrCut), errors.Is(err, bundle.ErrDamaged):
	default:
		return err
	}
	return &syncengine.Error{Reason: reason, Doing: "bundle", Err: err}
}
