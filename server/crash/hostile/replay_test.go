// SPDX-License-Identifier: Apache-2.0

package hostile_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// sealed returns segments of a device, each with two saves.
func sealed(d *servertest.Device, n int) (out []*segment.Segment) {
	for range n {
		d.Create(servertest.Village, "139")
		d.Create(servertest.Village, "138")
		out = append(out, d.Seal())
	}
	return out
}

func wires(segments []*segment.Segment) (out [][]byte) {
	for _, s := range segments {
		out = append(out, s.Bytes())
	}
	return out
}

func wantSound(t *testing.T, s *servertest.Server) {
	t.Helper()
	r, err := s.County.Engine.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !r.OK() {
		t.Fatalf("the county is broken: %v, %v", r.Violations, err)
	}
}

// Whoever has recorded what a tablet pushed may push it again, in any order, cut or in
// pieces, from a connection of his own: each segment is stored once, in order, or waits;
// a cut one is refused, and takes no dot.
func TestReplayedReorderedAndCutPushesChangeNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := servertest.Start(t)
	victim, attacker := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	all := wires(sealed(victim, 12))
	for range 60 {
		q := session.PushRequest{Certificates: [][]byte{victim.Cert.Raw}}
		for _, i := range rnd.Perm(len(all))[:1+rnd.IntN(len(all))] {
			b := all[i]
			switch rnd.IntN(4) {
			case 0:
				b = b[:rnd.IntN(len(b))]
			case 1:
				b = slices.Concat(b, all[rnd.IntN(len(all))])
			}
			q.Segments = append(q.Segments, b)
		}
		reply, err := attacker.Push(q)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range reply.Results {
			if whole := slices.ContainsFunc(all, func(b []byte) bool { return bytes.Equal(b, q.Segments[i]) }); !whole && r.Outcome != session.OutcomeRefused {
				t.Fatalf("a damaged segment: outcome %d", r.Outcome)
			}
		}
	}
	if _, err := victim.Push(session.PushRequest{Segments: all}); err != nil {
		t.Fatal(err)
	}
	pages, err := victim.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for _, p := range pages {
		records += len(p.Bases)
	}
	if size := s.County.Engine.Size(); records != 24 || int(size) < len(all) {
		t.Errorf("%d records of 24, %d leaves", records, size)
	}
	replicas, err := s.County.Engine.Replicas(t.Context())
	for _, r := range replicas {
		if err != nil || len(r.Forks) > 0 {
			t.Errorf("%x has forks: %v, %v", r.Certificate.Replica(), r.Forks, err)
		}
	}
	wantSound(t, s)
}

// What was said at the door is of no use a second time, nor to anybody else: not a
// code, not a login, not a certificate without its key.
func TestWhatWasSaidAtTheDoorIsOfNoUseAgain(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	d, thief := s.Enrol(servertest.Doctor("zhang")), s.Stranger()
	shard := s.County.Shard()
	challenge, err := d.Enrolment.Challenge(d.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
	if err != nil {
		t.Fatal(err)
	}
	login := &syncv1.LoginRequest{
		Shard: shard[:], Challenge: challenge.GetChallenge(), Who: &syncv1.LoginRequest_Certificate{Certificate: d.Cert.Raw},
		Signature: segment.KeySigner(d.Key).Sign(session.LoginMessage(shard, s.Pin(), challenge.GetChallenge())),
	}
	if _, err := d.Enrolment.Login(d.Context(), login); err != nil {
		t.Fatal(err)
	}
	other, err := d.Enrolment.Challenge(d.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
	if err != nil {
		t.Fatal(err)
	}
	fresh := proto.CloneOf(login)
	fresh.Challenge = other.GetChallenge()
	for name, q := range map[string]*syncv1.LoginRequest{"recorded": login, "over another challenge": fresh} {
		if _, err := thief.Enrolment.Login(thief.Context(), q); transport.ReasonOf(err) != syncv1.Reason_REASON_LOGIN {
			t.Errorf("a login that was %s: %v", name, err)
		}
	}
}

// A stolen token is good from any connection, for what its owner may do and no longer:
// the fence that cuts off the tablet cuts off the token, wherever it is used.
func TestAStolenTokenEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "139")
	d.Create(servertest.Village2, "138")
	d.PushSegments(d.Seal())
	thief := *d
	thief.Caller = s.Stranger()
	thief.Token = d.Token
	if _, err := thief.Pull(session.PullRequest{}); err != nil {
		t.Fatalf("a token is for whoever bears it: %v", err)
	}
	_, err := thief.Records.List(thief.Context(), &syncv1.ListRequest{Shard: d.Cert.Shard[:]})
	if transport.ReasonOf(err) != syncv1.Reason_REASON_RIGHTS {
		t.Errorf("the office's list: %v", err)
	}
	if err := s.County.Engine.Fence(t.Context(), "office", d.Cert.Replica(), "stolen"); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Pull(session.PullRequest{}); transport.ReasonOf(err) != syncv1.Reason_REASON_REVOKED {
		t.Errorf("after the fence: %v", err)
	}
	thief.Create(servertest.Village, "forged")
	if reply := thief.PushSegments(thief.Seal()); !reply.Results[0].Verdicts[0].Held() {
		t.Errorf("a save after the fence is %v", reply.Results[0].Verdicts[0])
	}
}
