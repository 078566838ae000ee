// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func pack(t *testing.T, c *compressor, in []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := c.Compress(&out)
	if err != nil {
		t.Fatal(err)
	}
	for part := range bytes.SplitAfterSeq(in, []byte("\n")) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(c *compressor, in []byte, limit int64) ([]byte, error) {
	r, err := c.Decompress(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, limit))
	return out, errors.Join(err, r.(io.Closer).Close())
}

func TestCompressedMessagesComeBackTheSame(t *testing.T) {
	c := newCompressor()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 20 {
				in := []byte(strings.Repeat(fmt.Sprintf("%d visit\n", i), n*n*50))
				got, err := unpack(c, pack(t, c, in), MaxRequest)
				if err != nil || !bytes.Equal(got, in) {
					t.Errorf("%d bytes came back as %d: %v", len(in), len(got), err)
				}
			}
		})
	}
	group.Wait()
}

func TestBombIsReadNoFurtherThanItsLimit(t *testing.T) {
	c := newCompressor()
	bomb := pack(t, c, make([]byte, 8<<20))
	got, err := unpack(c, bomb, MaxRequest+1)
	if err != nil || len(got) != MaxRequest+1 {
		t.Errorf("%d bytes of a bomb, %v", len(got), err)
	}
	if got, err := unpack(c, pack(t, c, []byte("after it")), MaxRequest); err != nil || string(got) != "after it" {
		t.Errorf("the next message: %q, %v", got, err)
	}
}

func TestFramesThatClaimMuchMemoryAreRefused(t *testing.T) {
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	var frame bytes.Buffer
	w.Reset(&frame)
	if _, err := w.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(newCompressor(), frame.Bytes(), MaxRequest); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("window of 256 MiB: %v", err)
	}
}

func TestGarbageIsNoMessage(t *testing.T) {
	if _, err := unpack(newCompressor(), []byte("not a frame"), MaxRequest); err == nil {
		t.Error("garbage was read")
	}
}

func TestRefusalTravelsWithItsReason(t *testing.T) {
	want := Refusal{
		Reason: syncv1.Reason_REASON_WRONG_SHARD, Retry: true, RetryAfter: 1500 * time.Millisecond, Text: "push: wrong_shard",
		Code: codes.FailedPrecondition,
	}
	sent := want.GRPCStatus().Err()
	got, ok := RefusalOf(fmt.Errorf("sync: %w", sent))
	if !ok || *got != want {
		t.Errorf("%+v arrived as %+v", want, got)
	}
	if s := status.Convert(&want); s.Code() != codes.FailedPrecondition {
		t.Errorf("code %v", s.Code())
	}
	if got := ReasonOf(status.Error(codes.ResourceExhausted, "larger than max")); got != syncv1.Reason_REASON_TOO_MUCH {
		t.Errorf("gRPC's own limit has reason %v", got)
	}
	for name, err := range map[string]error{
		"no error":     nil,
		"other error":  errors.New("cable pulled"),
		"other status": status.Error(codes.Unavailable, "connection refused"),
	} {
		if _, ok := RefusalOf(err); ok {
			t.Errorf("%s is a refusal", name)
		}
		if r := ReasonOf(err); r != syncv1.Reason_REASON_UNSPECIFIED {
			t.Errorf("%s has reason %v", name, r)
		}
	}
}

func TestTokenIsReadFromOneHeaderOnly(t *testing.T) {
	ctx := WithToken(context.Background(), "abc")
	md, _ := metadata.FromOutgoingContext(ctx)
	if got := Token(metadata.NewIncomingContext(context.Background(), md)); got != "abc" {
		t.Errorf("token %q", got)
	}
	for _, values := range [][]string{nil, {"abc"}, {"Basic abc"}, {"Bearer a", "Bearer b"}} {
		md := metadata.MD{tokenKey: values}
		if got := Token(metadata.NewIncomingContext(context.Background(), md)); got != "" {
			t.Errorf("%q gives token %q", values, got)
		}
	}
}

// authority makes a certificate authority, and leaf a server certificate of it.
func authority(t *testing.T) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e10, 0),
	}
	return signed(t, template, nil, nil)
}

func signed(t *testing.T, template, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by, with = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func leaf(t *testing.T, by *x509.Certificate, with *ecdsa.PrivateKey, usage x509.ExtKeyUsage) *x509.Certificate {
	t.Helper()
	cert, _ := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), ExtKeyUsage: []x509.ExtKeyUsage{usage},
		NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(1e9+1, 0),
	}, by, with)
	return cert
}

func TestServerIsKnownByItsPin(t *testing.T) {
	ca, key := authority(t)
	other, otherKey := authority(t)
	server := leaf(t, ca, key, x509.ExtKeyUsageServerAuth)
	pin := PinOf(ca)
	if err := checkPin(pin, []*x509.Certificate{server, ca}); err != nil {
		t.Errorf("the pinned server: %v", err)
	}
	for name, chain := range map[string][]*x509.Certificate{
		"nothing shown":            nil,
		"authority not shown":      {server},
		"another authority":        {leaf(t, other, otherKey, x509.ExtKeyUsageServerAuth), other},
		"signed by another":        {leaf(t, other, otherKey, x509.ExtKeyUsageServerAuth), ca},
		"certificate of a client":  {leaf(t, ca, key, x509.ExtKeyUsageClientAuth), ca},
		"authority itself as leaf": {ca},
	} {
		if err := checkPin(pin, chain); !errors.Is(err, ErrPin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACertificateHasRoomForSoManyRosters(t *testing.T) {
	signer := segment.KeySigner(ed25519.NewKeyFromSeed(make([]byte, 32)))
	mine, err := session.SignRoster(signer, session.Roster{IssuedAt: time.UnixMilli(1), Pins: []session.Pin{{1}}, Recipient: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	others := bytes.Repeat([]byte{1}, len(mine.Raw))
	all := [][]byte{others, mine.Raw}
	for len(all) < 200 {
		all = append(all, others)
	}
	extension, room := RosterExtension(all)
	if room < 60 || room >= 200 || len(extension.Value) > 16<<10 {
		t.Errorf("room for %d in %d bytes", room, len(extension.Value))
	}
	leaf := &x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}}, extension}}
	shard := segment.ShardOf(signer.Public())
	if got := RosterIn(leaf, shard); !bytes.Equal(got.Raw, mine.Raw) {
		t.Errorf("found %+v among others", got)
	}
	if got := RosterIn(leaf, segment.ShardID{9}); got.Raw != nil {
		t.Errorf("of a shard that is not there: %+v", got)
	}
	for cut := range len(mine.Raw) + 3 {
		extension.Value = extension.Value[:cut]
		if got := RosterIn(&x509.Certificate{Extensions: []pkix.Extension{extension}}, shard); got.Raw != nil {
			t.Errorf("cut at %d: %+v", cut, got)
		}
		extension.Value = extension.Value[:cap(extension.Value)]
	}
}
