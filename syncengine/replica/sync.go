// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Options say how to sync.
type Options struct {
	// Hub is the replica id of the hub that stands in for the centre; zero: the
	// peer is the centre itself.
	Hub causal.ReplicaID
	// Locked sends what was sealed before, encrypted to the shard, and does nothing
	// else: bodies can neither be read nor written. It needs Config.Recipient.
	Locked bool
	// PageRecords is how many records a page should have; 0: the peer's choice.
	PageRecords int
	// Progress is told what is going on; nil: nobody. It must return soon.
	Progress func(Progress)
}

// Phase is what a sync is doing.
type Phase uint8

// The phases, in order. After a restore of the centre they begin anew.
const (
	PhaseOffer Phase = 1 + iota
	PhasePush
	PhasePull
)

// Progress says how far a phase has come. Total is 0 while it is not known.
type Progress struct {
	Phase       Phase
	Done, Total int
}

// Report says what a sync did, as far as it came.
type Report struct {
	Epoch      ledger.Epoch
	NewEpoch   bool // the centre was restored since the last sync, or this was the first
	Sealed     int  // segments made
	Pushed     int  // segments newly stored by the peer
	Already    int  // segments it had
	Acks       int  // segments newly known to be at the centre
	Refused    []Refusal
	Blocked    int // segments the peer does not take until a gap is stated
	Gaps       int // gap statements made
	Bases      int // states taken
	Departures int
	Lent       int  // colleagues' saves borrowed from a hub, for the screen
	Office     int  // the centre's own segments taken
	Erased     int  // bodies taken out of segments by the centre's order
	Complete   bool // the pull came to its end, and the states here add up to the centre's
	Repulled   bool // states did not add up and were pulled again
	Revoked    bool // the centre takes saves and gives nothing
	HubEpoch   bool // the hub is in another epoch: nothing was taken from it
	// Contradicted says that the hub was shown another ledger of this epoch than this
	// replica: see Contradictions. The centre will say more, or be caught.
	Contradicted bool
	Forked       bool // somebody else saves under this replica's key
	Successor    causal.ReplicaID
	Predecessor  causal.ReplicaID // with Successor
}

// News reports whether a screen may show something else than before.
func (r Report) News() bool { return r.Bases+r.Departures+r.Acks+r.Erased+r.Office+r.Lent > 0 }

// Refusal is a segment that the peer could not read or verify.
type Refusal struct {
	Segment segment.Hash
	Reason  string
}

// Sync seals, offers, pushes and pulls. It returns ErrBusy at once while another
// Sync of this replica runs. After any error it may be called again: whatever was
// done is kept, and nothing done twice does harm. The centre given must be a
// session of this replica's present certificate.
//
// Errors of its own: ErrBusy, ErrNotEnrolled, ErrEpochBehind,
// ErrHistoryRewritten, ErrFingerprint, ErrSuccession, ErrRightsChanged, ErrPage;
// others are the peer's and the store's.
func (r *Replica) Sync(ctx context.Context, centre session.Centre, o Options) (Report, error) {
	if !r.syncing.TryLock() {
		return Report{}, ErrBusy
	}
	defer r.syncing.Unlock()
	s := &syncRun{r: r, centre: centre, Options: o, refused: map[segment.Hash]string{}, stated: map[segment.Hash]bool{}}
	err := s.run(ctx)
	if !s.Locked {
		erased, oerr := r.obeyOrders(ctx, err == nil && s.atCentre())
		s.report.Erased, err = erased, errors.Join(err, oerr)
	}
	s.report.Epoch = s.epoch
	if err != nil {
		return s.report, fmt.Errorf("sync: %w", err)
	}
	return s.report, nil
}

// ErrRightsChanged is wrapped by Sync when the replica took another certificate
// meanwhile: what the peer hands out is for the one before. A Sync in a session of
// the new one takes what is missing.
var ErrRightsChanged = errors.New("another certificate was taken while the sync ran")

// syncRun is one Sync.
type syncRun struct {
	Options
	r      *Replica
	centre session.Centre
	report Report

	borrowed int  // bytes of loans in this pull
	written  bool // it is held in writing: the peer's word may be older than what is here
	self     self
	rights   segment.Certificate // the one that the run is for
	epoch    ledger.Epoch
	hello    session.HelloReply      // the last one
	mute     bool                    // the hub's states are of another epoch
	refused  map[segment.Hash]string // by this peer, in this sync
	stated   map[segment.Hash]bool   // segments whose missing predecessors were stated gone
}

// errNewEpoch says that the peer's epoch is a new one, which was entered.
var errNewEpoch = errors.New("new epoch")

// maxRestarts is how often one sync says Hello anew: to follow a new epoch, or to
// learn a certificate of the centre's that came back to it since.
const maxRestarts = 3

func (s *syncRun) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if s.Locked {
		return s.handOverLocked(ctx)
	}
	var err error
	for range maxRestarts {
		if err = s.handOverAndPull(ctx); !errors.Is(err, errNewEpoch) && !errors.Is(err, errNotOffice) {
			return err
		}
	}
	return err
}

func (s *syncRun) begin(ctx context.Context) error {
	if !s.Locked {
		n, err := s.r.Seal(ctx)
		if s.report.Sealed = n; err != nil {
			return err
		}
	}
	return s.r.view(ctx, func(tx Reader) (err error) {
		if s.self, err = s.r.readSelf(tx); err != nil {
			return err
		}
		if !s.self.enrolled() {
			return ErrNotEnrolled
		}
		s.rights = s.self.cert
		s.epoch, err = readEpoch(tx)
		return err
	})
}

// sameRights returns ErrRightsChanged unless the present certificate is still the
// one that the run is for.
func (s *syncRun) sameRights(tx Reader) error {
	now, err := s.r.readSelf(tx)
	if err == nil && now.cert.Hash != s.rights.Hash {
		err = ErrRightsChanged
	}
	return err
}

// handOverAndPull is a sync within one epoch. Push comes before pull, so that what
// departs was handed over first.
func (s *syncRun) handOverAndPull(ctx context.Context) error {
	if err := s.handOver(ctx); err != nil {
		return err
	}
	forkErr := s.goOnAlone(ctx)
	if forkErr != nil && !errors.Is(forkErr, ErrSuccession) {
		return forkErr
	}
	if s.report.Revoked = s.hello.Revoked; s.report.Revoked {
		return errors.Join(forkErr, s.askVerdicts(ctx))
	}
	if s.mute {
		return forkErr
	}
	if err := s.renewDamaged(ctx); err != nil {
		return err
	}
	if err := s.pull(ctx); err != nil {
		return err
	}
	return forkErr
}

func (s *syncRun) atCentre() bool { return s.Hub.IsZero() }

func (s *syncRun) progress(p Phase, done, total int) {
	if s.Progress != nil {
		s.Progress(Progress{p, done, total})
	}
}

// handOver offers everything that is not settled in this epoch, in runs of
// MaxOffers, and pushes what is wanted.
func (s *syncRun) handOver(ctx context.Context) error {
	s.report.Blocked = 0
	var after []byte
	offered := 0
	for first := true; ; first = false {
		var keys [][]byte
		var offers []session.Offer
		if err := s.r.view(ctx, func(tx Reader) (err error) {
			keys, offers, err = readOffers(tx, after)
			return err
		}); err != nil {
			return err
		}
		if err := s.sayHello(ctx, offers); err != nil {
			return err
		}
		offered += len(offers)
		s.progress(PhaseOffer, offered, 0)
		if first {
			if err := s.pushStatedGaps(ctx); err != nil {
				return err
			}
		}
		if err := s.push(ctx, s.hello.Wants); err != nil {
			return err
		}
		if len(keys) < session.MaxOffers {
			return nil
		}
		after = keys[len(keys)-1]
	}
}

// readOffers returns the next segments to offer, each replica's in the order of
// its counters, so that predecessors come first.
func readOffers(tx Reader, after []byte) ([][]byte, []session.Offer, error) {
	rows, err := tx.Scan(Unsettled, nil, after, session.MaxOffers)
	if err != nil {
		return nil, nil, err
	}
	var keys [][]byte
	var offers []session.Offer
	for _, row := range rows {
		keys = append(keys, row.Key)
		h := hashOfChainKey(row.Key)
		seg, ok, err := readSegmentRow(tx, h)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			offers = append(offers, session.Offer{Hash: h, Replica: seg.replica, First: seg.first, Last: seg.last()})
		}
	}
	return keys, offers, nil
}
