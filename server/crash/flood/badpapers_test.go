// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// gap returns a statement that the saves from..to of a replica are lost, signed by the
// device for a domain.
func (d *device) gap(replica []byte, from, to uint64, domain segment.Domain) []byte {
	d.t.Helper()
	body, err := proto.Marshal(&syncv1.GapBody{
		Shard: d.p.shard[:], Replica: replica, CertificateHash: d.cert.Hash[:], FromCounter: from, ToCounter: to,
	})
	must(d.t, body, err)
	return segment.SignBody(segment.KeySigner(d.key), domain, body).Encode()
}

// Papers are what is signed and is no segment: gap statements, envelopes, certificates,
// checkpoints.
func TestBadPapersAreRefusedAndChangeNothing(t *testing.T) {
	p := newPlace(t)
	d, other := p.devices[0], p.devices[1]
	d.store(d.residents(3)...)
	other.store(other.residents(3)...)
	before := p.look()
	for name, q := range map[string]*syncv1.PushRequest{
		"garbage as a gap":                       {Gaps: [][]byte{[]byte("garbage")}},
		"a gap over nothing":                     {Gaps: [][]byte{d.gap(idOf(d), 7, 6, segment.DomainGap)}},
		"a gap from the counter 0":               {Gaps: [][]byte{d.gap(idOf(d), 0, 6, segment.DomainGap)}},
		"a gap to the greatest number":           {Gaps: [][]byte{d.gap(idOf(d), 9, 1<<64-1, segment.DomainGap)}},
		"a gap of another's":                     {Gaps: [][]byte{d.gap(idOf(other), 4, 9, segment.DomainGap)}},
		"a gap that was signed for other things": {Gaps: [][]byte{d.gap(idOf(d), 4, 9, segment.DomainSuccession)}},
		"a gap of nobody's":                      {Gaps: [][]byte{d.gap([]byte("sixteen bytes id"), 4, 9, segment.DomainGap)}},
		"garbage as an envelope":                 {Envelopes: [][]byte{[]byte("garbage")}},
		"a segment as an envelope":               {Envelopes: [][]byte{d.seal(d.residents(1)...).Bytes()}},
		"garbage as a certificate":               {Certificates: [][]byte{[]byte("garbage"), nil}, Gaps: [][]byte{nil}},
		"a certificate signed by a tablet": {
			Certificates: [][]byte{segment.SignBody(segment.KeySigner(d.key), segment.DomainCertificate, other.cert.Raw).Encode()},
			Gaps:         [][]byte{nil},
		},
	} {
		q.Shard = p.shard[:]
		reply, err := d.sync.Push(d.context(), q)
		must(t, reply, err)
		for _, o := range reply.GetGaps() {
			if o != syncv1.Outcome_OUTCOME_REFUSED {
				t.Errorf("%s: %s", name, o)
			}
		}
		for _, r := range reply.GetResults() {
			if got := verdictOf(r); !strings.HasPrefix(got, "refused unreadable") {
				t.Errorf("%s: %s", name, got)
			}
		}
		if len(reply.GetGaps())+len(reply.GetResults()) != 1 || !p.look().same(before) {
			t.Fatalf("%s has changed something, or was not answered", name)
		}
	}
	p.shownForgedCheckpoint(before)
	d.store(d.residents(3)...)
	p.wantSound()
}

// shownForgedCheckpoint shows the server a ledger that is larger than its own and was
// not signed by it. If it believed that, the county would stop.
func (p *place) shownForgedCheckpoint(before picture) {
	p.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(p.t, key, err)
	forger := segment.KeySigner(key)
	d := p.devices[0]
	forged, err := ledger.Sign(ledger.Checkpoint{
		Shard: segment.ShardOf(forger.Public()), Epoch: ledger.Epoch{Number: 9}, Size: 1 << 40, Root: [32]byte{1},
	}, forger)
	must(p.t, forged, err)
	own := before.checkpoint.GetCheckpoint()
	for name, checkpoint := range map[string][]byte{
		"forged": forged, "garbage": []byte("garbage"), "altered": append([]byte("1"), own...), "long": make([]byte, 100_000),
	} {
		if _, err := d.sync.Hello(d.context(), &syncv1.HelloRequest{Shard: p.shard[:], Checkpoint: checkpoint}); err != nil {
			p.t.Errorf("a checkpoint that is %s: %v", name, err)
		}
		if now := p.look(); now.checkpoint.GetStopped() || !now.same(before) {
			p.t.Fatalf("a checkpoint that is %s was believed", name)
		}
	}
}
