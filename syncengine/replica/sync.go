// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	Office     int  // the centre's own segments taken
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
// ErrHistoryRewritten, ErrFingerprint, ErrSuccession, ErrPage; others are the
// peer's and the store's.
func (r *Replica) Sync(ctx context.Context, centre session.Centre, o Options) (Report, error) {
	if !r.syncing.TryLock() {
		return Report{}, ErrBusy
	}
	defer r.syncing.Unlock()
	s := &syncRun{r: r, centre: centre, Options: o, refused: map[segment.Hash]string{}, stated: map[segment.Hash]bool{}}
	err := s.run(ctx)
	s.report.Epoch = s.epoch
	if err != nil {
		return s.report, fmt.Errorf("sync: %w", err)
	}
	return s.report, nil
}

// syncRun is one Sync.
type syncRun struct {
	Options
	r      *Replica
	centre session.Centre
	report Report

	self    self
	epoch   ledger.Epoch
	hello   session.HelloReply      // the last one
	mute    bool                    // the hub's states are of another epoch
	refused map[segment.Hash]string // by this peer, in this sync
	stated  map[segment.Hash]bool   // segments whose missing predecessors were stated gone
}

// errNewEpoch says that the peer's epoch is a new one, which was entered.
var errNewEpoch = errors.New("new epoch")

// maxRestarts is how many new epochs one sync follows.
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
		if err = s.handOverAndPull(ctx); !errors.Is(err, errNewEpoch) {
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
		s.epoch, err = readEpoch(tx)
		return err
	})
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
	if s.report.Revoked = s.hello.Revoked; s.report.Revoked || s.mute {
		return forkErr
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

// sayHello asks what the peer lacks and takes what it says of itself. A peer that
// has signed acks in several parts is asked again for the rest.
func (s *syncRun) sayHello(ctx context.Context, offers []session.Offer) error {
	var wants []segment.Hash
	for {
		q, err := s.helloRequest(ctx, offers)
		if err != nil {
			return err
		}
		reply, err := s.centre.Hello(ctx, q)
		if err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		s.hello = reply
		if err := s.compareEpoch(ctx, reply); err != nil {
			return err
		}
		news, err := s.takeHello(ctx, offers, reply)
		if err != nil {
			return err
		}
		wants = append(wants, reply.Wants...)
		if offers, err = s.unanswered(ctx, offers, reply); err != nil {
			return err
		}
		if news == 0 || len(offers) == 0 {
			s.hello.Wants = wants
			return nil
		}
	}
}

// unanswered returns the offers that are neither wanted nor acknowledged.
func (s *syncRun) unanswered(ctx context.Context, offers []session.Offer, reply session.HelloReply) ([]session.Offer, error) {
	var out []session.Offer
	wanted := map[segment.Hash]bool{}
	for _, h := range reply.Wants {
		wanted[h] = true
	}
	err := s.r.view(ctx, func(tx Reader) error {
		for _, o := range offers {
			a, err := readAck(tx, o.Hash)
			if err != nil {
				return err
			}
			if !a.signed(s.epoch) && !wanted[o.Hash] {
				out = append(out, o)
			}
		}
		return nil
	})
	return out, err
}

func (s *syncRun) helloRequest(ctx context.Context, offers []session.Offer) (session.HelloRequest, error) {
	q := session.HelloRequest{Epoch: s.epoch, Offers: offers}
	err := s.r.view(ctx, func(tx Reader) error {
		peer, err := readPeer(tx, s.Hub)
		if err != nil {
			return err
		}
		q.Cursor = peer.cursor
		if q.Checkpoint, _, err = value(tx, valueCheckpoint); err != nil {
			return err
		}
		q.Certificates, err = s.r.ownCertificates(tx)
		return err
	})
	return q, err
}

// ownCertificates returns the certificates of the own keys, the present one first.
func (r *Replica) ownCertificates(tx Reader) ([][]byte, error) {
	ids, err := ownIDs(tx)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, id := range slices.Backward(ids) {
		o, err := r.readOwn(tx, id)
		if err != nil {
			return nil, err
		}
		if o.enrolled() && len(out) < session.MaxCertificates {
			out = append(out, o.cert.Raw)
		}
	}
	return out, nil
}

var centrePeer causal.ReplicaID

func readPeer(r Reader, hub causal.ReplicaID) (peerRow, error) {
	p, _, err := load(r, Peers, hub[:], unpackPeer)
	return p, err
}

// compareEpoch follows the centre into a new epoch. The centre's word is enough;
// a hub must show the shard's signature, and only a later number counts, because
// of two epochs of one number a hub cannot say which is the newer.
func (s *syncRun) compareEpoch(ctx context.Context, reply session.HelloReply) error {
	if reply.Epoch == s.epoch {
		s.mute = s.epoch.Number == 0 // a hub that has never seen the centre
		return nil
	}
	if s.atCentre() {
		if reply.Epoch.Number < s.epoch.Number {
			return fmt.Errorf("epoch %s after %s: %w", reply.Epoch, s.epoch, ErrEpochBehind)
		}
		return s.enter(ctx, reply.Epoch)
	}
	s.mute, s.report.HubEpoch = true, true
	if reply.Epoch.Number <= s.epoch.Number {
		return nil
	}
	shown, err := s.epochShown(ctx, reply)
	if err != nil || !shown {
		return err
	}
	s.mute, s.report.HubEpoch = false, false
	return s.enter(ctx, reply.Epoch)
}

func (s *syncRun) enter(ctx context.Context, e ledger.Epoch) error {
	if err := s.r.update(ctx, func(tx Tx) error { return enterEpoch(tx, e) }); err != nil {
		return err
	}
	s.r.cfg.Log.Info("new epoch of the centre", "epoch", e.String(), "before", s.epoch.String())
	s.epoch, s.report.NewEpoch = e, true
	return errNewEpoch
}

// epochShown reports whether a hub can show the shard's signature for its epoch:
// on acks, on a backup mark, or on the checkpoint at the end of what it hands out.
func (s *syncRun) epochShown(ctx context.Context, reply session.HelloReply) (bool, error) {
	pub, err := s.shardKey(ctx)
	if err != nil {
		return false, err
	}
	if a, err := ledger.OpenAcks(reply.Acks, pub); err == nil && a.Epoch == reply.Epoch {
		return true, nil
	}
	for _, raw := range reply.Marks {
		if m, err := ledger.OpenBackupMark(raw, pub); err == nil && m.Epoch == reply.Epoch {
			return true, nil
		}
	}
	shown := false
	err = s.centre.Pull(ctx, session.PullRequest{PageRecords: s.PageRecords}, func(p session.Page) error {
		if p.Last != nil {
			c, err := ledger.OpenCheckpoint(p.Last.Checkpoint, pub)
			shown = err == nil && c.Epoch == reply.Epoch
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("pull: %w", err)
	}
	return shown, nil
}

func (s *syncRun) shardKey(ctx context.Context) (pub []byte, err error) {
	err = s.r.view(ctx, func(tx Reader) error {
		pub, err = shardKey(tx)
		return err
	})
	return pub, err
}

// takeHello keeps what the peer said: acks, marks, the centre's certificates,
// whether the cursor holds, which gaps it knows, and signs of a fork. It returns
// how many acks were news.
func (s *syncRun) takeHello(ctx context.Context, offers []session.Offer, reply session.HelloReply) (news int, err error) {
	err = s.r.update(ctx, func(tx Tx) error {
		if err := takeCertificates(tx, reply.Certificates, segment.RoleCentre); err != nil {
			return err
		}
		if news, err = takeAcks(tx, reply.Acks); err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		if err := takeMarks(tx, s.epoch, reply.Marks); err != nil {
			return err
		}
		if err := s.takeCursorWord(tx, reply); err != nil {
			return err
		}
		if err := s.noteHeldByPeer(tx, offers, reply.Wants); err != nil {
			return err
		}
		return s.lookForFork(tx, reply.OwnHeads)
	})
	s.report.Acks += news
	return news, err
}

// takeCursorWord forgets a cursor that does not hold.
func (s *syncRun) takeCursorWord(tx Tx, reply session.HelloReply) error {
	if reply.CursorHolds || s.mute {
		return nil
	}
	return tx.Delete(Peers, s.Hub[:])
}

// noteHeldByPeer marks what a hub holds: it was offered and is not wanted.
func (s *syncRun) noteHeldByPeer(tx Tx, offers []session.Offer, wants []segment.Hash) error {
	if s.atCentre() {
		return nil
	}
	for _, o := range offers {
		if slices.Contains(wants, o.Hash) {
			continue
		}
		if err := noteClinic(tx, o.Hash); err != nil {
			return err
		}
	}
	return nil
}

func noteClinic(tx Tx, h segment.Hash) error {
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok || row.clinic {
		return err
	}
	row.clinic = true
	return tx.PutHead(Segments, h[:], row.pack())
}

// lookForFork notes for good when somebody else saves under the present key.
func (s *syncRun) lookForFork(tx Tx, heads []session.Head) error {
	var firstErr error
	foreign := s.r.rules.foreign(heads, func(h segment.Hash) bool {
		made, err := isMade(tx, h)
		firstErr = errors.Join(firstErr, err)
		return made
	})
	if firstErr != nil || !foreign {
		return firstErr
	}
	return noteFork(tx, s.self.id)
}

// noteFork notes that somebody else saves under id, if that is still the key in use.
func noteFork(tx Tx, id causal.ReplicaID) error {
	now, err := currentID(tx)
	if err != nil || now != id {
		return err
	}
	return putValue(tx, valueForked, []byte{1})
}
