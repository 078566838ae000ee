// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// parties are a shard and a replica of it, always the same ones.
type parties struct {
	testing.TB
	shard, replica ed25519.PrivateKey
	recipient      *ecdh.PrivateKey
}

func newParties(t testing.TB) parties {
	t.Helper()
	rnd := rand.NewChaCha8([32]byte{7})
	key := func() ed25519.PrivateKey {
		seed := make([]byte, ed25519.SeedSize)
		rnd.Read(seed)
		return ed25519.NewKeyFromSeed(seed)
	}
	p := parties{TB: t, shard: key(), replica: key()}
	raw, _, err := segment.NewRecipientKey(rnd)
	p.ok(err)
	p.recipient, err = ecdh.X25519().NewPrivateKey(raw)
	p.ok(err)
	return p
}

func (p parties) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p parties) up() bundle.Header   { return p.header(bundle.Up, p.replica) }
func (p parties) down() bundle.Header { return p.header(bundle.Down, p.shard) }

func (p parties) header(d bundle.Direction, key ed25519.PrivateKey) bundle.Header {
	return bundle.Header{
		Direction: d, Shard: segment.ShardOf(p.shard.Public().(ed25519.PublicKey)),
		Replica: causal.ReplicaOf(p.replica.Public().(ed25519.PublicKey)), ID: [16]byte{1, 2, 3},
		MadeAt: time.Date(2026, 3, 1, 8, 15, 0, 0, time.UTC), Key: key.Public().(ed25519.PublicKey),
	}
}

func (p parties) signer(h bundle.Header) segment.Signer {
	if h.Direction == bundle.Up {
		return segment.KeySigner(p.replica)
	}
	return segment.KeySigner(p.shard)
}

func (p parties) recipientOf(h bundle.Header) age.Recipient {
	p.Helper()
	to, err := bundle.ShardRecipient(p.recipient.PublicKey().Bytes())
	if h.Direction == bundle.Down {
		to, err = bundle.ReplicaRecipient(p.replica.Public().(ed25519.PublicKey))
	}
	p.ok(err)
	return to
}

// identities opens what is for the shard or the replica.
func (p parties) identities(h bundle.Header) ([]age.Identity, error) {
	id, err := bundle.ShardIdentity(p.recipient.Bytes())
	if h.Direction == bundle.Down {
		id, err = bundle.ReplicaIdentity(p.replica)
	}
	return []age.Identity{id}, err
}

// write returns a whole bundle and where in it each frame ends, roughly: what is
// encrypted is not written byte by byte.
func (p parties) write(h bundle.Header, said ...session.Said) []byte {
	p.Helper()
	var file bytes.Buffer
	w, err := bundle.NewWriter(&file, h, p.signer(h), p.recipientOf(h))
	p.ok(err)
	for _, s := range said {
		p.ok(w.Write(s))
	}
	p.ok(w.Close())
	return file.Bytes()
}

// read returns what a file says before it ends, and how it ends; nil: well.
func (p parties) read(file io.Reader) (out []session.Said, err error) {
	p.Helper()
	r, err := bundle.NewReader(file, p.identities)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readAll(r)
}

func readAll(r *bundle.Reader) (out []session.Said, err error) {
	for {
		s, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
}

func (p parties) want(got, want []session.Said) {
	p.Helper()
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		p.Fatalf("%d things said, want %d, or others", len(got), len(want))
	}
}

// noise is bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{9}).Read(b)
	return b
}

func pushes(n, size int) []session.Said {
	var out []session.Said
	for i := range n {
		wire := noise(size)
		wire[0] = byte(i)
		out = append(out, session.Said{Push: &session.PushRequest{Segments: [][]byte{wire}}})
	}
	return out
}

func saidUp() []session.Said {
	return append([]session.Said{{Hello: &session.HelloRequest{
		Epoch: ledger.Epoch{Number: 3, Name: [8]byte{4}}, Checkpoint: []byte("checkpoint"), Cursor: []byte("cursor"),
		Offers: []session.Offer{{Hash: segment.Hash{1}, Replica: causal.ReplicaID{2}, First: 1, Last: 9}},
	}}}, pushes(4, 50_000)...)
}

func saidDown() []session.Said {
	e := ledger.Epoch{Number: 3, Name: [8]byte{4}}
	return []session.Said{
		{Answering: &session.Answering{Epoch: e, Seen: ledger.Epoch{Number: 2}, Certificate: segment.Hash{5}, Cursor: []byte("cursor"), Checkpoint: 12, CursorHolds: true}},
		{PushReply: &session.PushReply{Results: []session.SegmentResult{{Hash: segment.Hash{1}, Outcome: session.OutcomeGap, Expects: 4}}}},
		{Certificate: []byte("certificate")},
		{HelloReply: &session.HelloReply{Epoch: e, CursorHolds: true, Acks: []byte("acks")}},
		{Page: &session.Page{Epoch: e, Cursor: []byte("next")}},
	}
}

func TestBundleSaysWhatWasWritten(t *testing.T) {
	p := newParties(t)
	for _, c := range []struct {
		h    bundle.Header
		said []session.Said
	}{{p.up(), saidUp()}, {p.down(), saidDown()}, {p.up(), nil}} {
		file := p.write(c.h, c.said...)
		got, err := p.read(iotest.OneByteReader(bytes.NewReader(file)))
		p.ok(err)
		p.want(got, c.said)
		h, err := bundle.ReadHeader(bytes.NewReader(file))
		if diff := cmp.Diff(c.h, h); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	}
}

func TestBundleIsForOneReaderOnly(t *testing.T) {
	p := newParties(t)
	other := func(h bundle.Header) ([]age.Identity, error) {
		h.Direction = bundle.Up + bundle.Down - h.Direction // the other one's keys
		return p.identities(h)
	}
	for _, h := range []bundle.Header{p.up(), p.down()} {
		file := p.write(h)
		if _, err := bundle.NewReader(bytes.NewReader(file), other); !errors.Is(err, bundle.ErrNotForHere) {
			t.Errorf("%s: %v", h.Direction, err)
		}
		none := func(bundle.Header) ([]age.Identity, error) { return nil, nil }
		if _, err := bundle.NewReader(bytes.NewReader(file), none); !errors.Is(err, bundle.ErrNotForHere) {
			t.Errorf("%s, without a key: %v", h.Direction, err)
		}
	}
}

// A copy that broke off gives what stands whole before the break, wherever that is.
func TestCutBundleIsGoodUpToTheCut(t *testing.T) {
	p := newParties(t)
	said := saidUp()
	file := p.write(p.up(), said...)
	last := 0
	for cut := 0; cut < len(file); cut += 997 {
		got, err := p.read(bytes.NewReader(file[:cut]))
		switch {
		case cut < bundle.HeaderSize:
			if !errors.Is(err, bundle.ErrNotBundle) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
		case !errors.Is(err, bundle.ErrCut):
			t.Fatalf("cut at %d of %d: %v", cut, len(file), err)
		}
		if len(got) < last {
			t.Fatalf("cut at %d says %d, before it %d", cut, len(got), last)
		}
		last = len(got)
		p.want(got, said[:last])
	}
	if last < len(said)-2 {
		t.Fatalf("a long cut says only %d", last)
	}
}

func TestChangedByteIsNoticed(t *testing.T) {
	p := newParties(t)
	said := saidUp()
	file := p.write(p.up(), said...)
	for at := 0; at < len(file); at += 499 {
		bad := bytes.Clone(file)
		bad[at] ^= 0x10
		got, err := p.read(bytes.NewReader(bad))
		if err == nil {
			t.Fatalf("byte %d changed, and read to the end", at)
		}
		p.want(got, said[:len(got)])
	}
}

func TestEveryHeaderByteIsSigned(t *testing.T) {
	p := newParties(t)
	file := p.write(p.down(), saidDown()...)
	for at := range bundle.HeaderSize {
		bad := bytes.Clone(file)
		bad[at] ^= 1
		if got, err := p.read(bytes.NewReader(bad)); err == nil || len(got) > 0 {
			t.Fatalf("byte %d of the header changed: %d frames, %v", at, len(got), err)
		}
	}
}

func TestFramesStandInTheirOrder(t *testing.T) {
	p := newParties(t)
	h := p.up()
	one := bundle.Frame(h, p.signer(h), 2, 0, bundle.Compress(nil))
	r, err := bundle.Frames(h, append(bytes.Clone(one), one...))
	p.ok(err)
	got, err := readAll(r)
	if len(got) != 1 || !errors.Is(err, bundle.ErrDamaged) {
		t.Fatalf("a frame twice: %d, %v", len(got), err)
	}
	other := h
	other.ID[0]++
	r, err = bundle.Frames(other, one)
	p.ok(err)
	if got, err := readAll(r); len(got) != 0 || !errors.Is(err, bundle.ErrDamaged) {
		t.Fatalf("a frame of another bundle: %d, %v", len(got), err)
	}
}

func TestFrameOfAnotherKeyIsRefused(t *testing.T) {
	p := newParties(t)
	h := p.up()
	r, err := bundle.Frames(h, bundle.Frame(h, segment.KeySigner(p.shard), 2, 0, bundle.Compress(nil)))
	p.ok(err)
	if got, err := readAll(r); len(got) != 0 || !errors.Is(err, bundle.ErrDamaged) {
		t.Fatalf("%d, %v", len(got), err)
	}
	if _, err := bundle.NewWriter(io.Discard, h, segment.KeySigner(p.shard), p.recipientOf(h)); !errors.Is(err, bundle.ErrNotBundle) {
		t.Fatalf("the shard writes as a replica: %v", err)
	}
}

func TestKindsOfTheOtherDirectionAreRefused(t *testing.T) {
	p := newParties(t)
	for _, h := range []bundle.Header{p.up(), p.down()} {
		for k := range 256 {
			allowed := h.Direction == bundle.Up && (k == 1 || k == 2) || h.Direction == bundle.Down && k >= 3 && k <= 7
			r, err := bundle.Frames(h, bundle.Frame(h, p.signer(h), byte(k), 0, bundle.Compress(nil)))
			p.ok(err)
			if got, err := readAll(r); (len(got) == 1) != allowed {
				t.Errorf("kind %d going %s: %d frames, %v", k, h.Direction, len(got), err)
			}
		}
	}
}

func TestWhatIsBehindTheEndIsNoticed(t *testing.T) {
	p := newParties(t)
	h := p.up()
	r, err := bundle.Frames(h, append(bundle.Frame(h, p.signer(h), 255, 0, nil), 0))
	p.ok(err)
	if _, err := readAll(r); !errors.Is(err, bundle.ErrDamaged) {
		t.Fatalf("inside: %v", err)
	}
	file := p.write(h, saidUp()...)
	if _, err := p.read(bytes.NewReader(append(file, file...))); !errors.Is(err, bundle.ErrDamaged) {
		t.Fatalf("behind the file: %v", err)
	}
}

func TestBombsStayWithinTheirLimit(t *testing.T) {
	p := newParties(t)
	for _, h := range []bundle.Header{p.up(), p.down()} {
		most := map[bundle.Direction]int{bundle.Up: bundle.MaxUp, bundle.Down: bundle.MaxDown}[h.Direction]
		k := map[bundle.Direction]byte{bundle.Up: 2, bundle.Down: 7}[h.Direction]
		bomb := bundle.Compress(make([]byte, 64<<20))
		for name, frame := range map[string][]byte{
			"more than said":    bundle.Frame(h, p.signer(h), k, 1000, bomb),
			"as much as may be": bundle.Frame(h, p.signer(h), k, uint32(most), bomb),
			"more than may be":  bundle.Frame(h, p.signer(h), k, uint32(most+1), bomb),
			"four gigabytes":    bundle.Frame(h, p.signer(h), k, 1<<32-1, bomb),
		} {
			r, err := bundle.Frames(h, frame)
			p.ok(err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = readAll(r)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, bundle.ErrDamaged) {
				t.Errorf("%s, %s: %v", h.Direction, name, err)
			}
			if used := int(after.TotalAlloc - before.TotalAlloc); used > 3*most+1<<20 {
				t.Errorf("%s, %s: %d bytes of memory", h.Direction, name, used)
			}
		}
	}
}

func TestOtherFilesAreNoBundles(t *testing.T) {
	p := newParties(t)
	var zipped, tarred bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.Create("../../etc/passwd")
	p.ok(err)
	_, err = f.Write([]byte("xunzhen-bundle"))
	p.ok(errors.Join(err, z.Close()))
	a := tar.NewWriter(&tarred)
	p.ok(a.WriteHeader(&tar.Header{Name: "xunzhen-bundle/../../x", Size: 1, Mode: 0o600}))
	_, err = a.Write([]byte{1})
	p.ok(errors.Join(err, a.Close()))
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("{}"), "zip": zipped.Bytes(), "tar": tarred.Bytes(), "age": []byte("age-encryption.org/v1\n"),
	} {
		if _, err := p.read(bytes.NewReader(file)); !errors.Is(err, bundle.ErrNotBundle) && (name != "tar" || !errors.Is(err, bundle.ErrNewer)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := p.write(p.up())
	newer[len("xunzhen-bundle")]++
	if _, err := p.read(bytes.NewReader(newer)); !errors.Is(err, bundle.ErrNewer) {
		t.Errorf("newer format: %v", err)
	}
}

func TestErrorsOfTheFileBelowAreTold(t *testing.T) {
	p := newParties(t)
	file := p.write(p.up(), saidUp()...)
	gone := errors.New("stick pulled out")
	for _, at := range []int{0, 50, bundle.HeaderSize + 10, len(file) / 2} {
		_, err := p.read(io.MultiReader(bytes.NewReader(file[:at]), iotest.ErrReader(gone)))
		if !errors.Is(err, gone) || errors.Is(err, bundle.ErrCut) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestHeaderIsReadAsWritten(t *testing.T) {
	p := newParties(t)
	if name := p.up().FileName(); name != "xunzhen-up-"+p.up().Replica.String()[:8]+"-20260301-081500-0102.xzb" {
		t.Error(name)
	}
	for _, h := range []bundle.Header{p.up(), p.down()} {
		got, err := bundle.DecodeHeader(h.Encode())
		if diff := cmp.Diff(h, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	}
}

func TestReplicaKeyIsOneForSigningAndOpening(t *testing.T) {
	p := newParties(t)
	rnd := rand.NewChaCha8([32]byte{11})
	for range 20 {
		seed := make([]byte, ed25519.SeedSize)
		rnd.Read(seed)
		key := ed25519.NewKeyFromSeed(seed)
		id, err := bundle.ReplicaIdentity(key)
		p.ok(err)
		to, err := bundle.ReplicaRecipient(key.Public().(ed25519.PublicKey))
		p.ok(err)
		if got, want := to.(*age.X25519Recipient).String(), id.(*age.X25519Identity).Recipient().String(); got != want {
			t.Fatalf("encrypted to %s, opened by %s", got, want)
		}
	}
	identity := make([]byte, ed25519.PublicKeySize)
	identity[0] = 1 // the neutral point: y = 1
	if _, err := bundle.ReplicaRecipient(identity); err == nil {
		t.Error("the neutral point is taken for a key")
	}
}
