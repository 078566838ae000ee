// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func hubInvitation(addresses ...string) session.HubInvitation {
	return session.HubInvitation{Addresses: addresses, Shard: segment.ShardID{1, 2, 3}, Pin: session.Pin{31: 9}}
}

func TestHubInvitationIsReadAsWritten(t *testing.T) {
	want := hubInvitation("192.168.1.20:7443", "[fe80::1]:7443")
	text := want.String()
	for name, sent := range map[string]string{
		"as written": text, "lower case": strings.ToLower(text), "wrapped": text[:30] + "\r\n " + text[30:],
	} {
		got, err := session.ParseHubInvitation(sent)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	for i := range text {
		if _, err := session.ParseHubInvitation(text[:i]); !errors.Is(err, session.ErrInvitation) {
			t.Errorf("cut after %d characters: %v", i, err)
		}
	}
}

func TestTheTwoSortsOfInvitationAreNotTakenForEachOther(t *testing.T) {
	if _, err := session.ParseInvitation(hubInvitation("a:1").String()); !errors.Is(err, session.ErrInvitation) {
		t.Errorf("a hub's as one to enrol with: %v", err)
	}
	if _, err := session.ParseHubInvitation(invitation("a:1").String()); !errors.Is(err, session.ErrInvitation) {
		t.Errorf("one to enrol with as a hub's: %v", err)
	}
}

func FuzzParseHubInvitation(f *testing.F) {
	f.Add(hubInvitation("192.168.1.20:7443").String())
	f.Add("XZH1:a:1:")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := session.ParseHubInvitation(text)
		if err != nil {
			return
		}
		again, err := session.ParseHubInvitation(i.String())
		if diff := cmp.Diff(i, again); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}

func TestOnlyAHubsOwnWordIntroducesIt(t *testing.T) {
	key := func(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }
	shard, stranger, hub, tablet := key(1), key(2), key(3), key(4)
	certify := func(by, whose ed25519.PrivateKey, role segment.Role) []byte {
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		c, err := segment.IssueCertificate(segment.KeySigner(by), segment.Certificate{
			Shard: segment.ShardOf(by.Public().(ed25519.PublicKey)), PublicKey: whose.Public().(ed25519.PublicKey), Role: role,
			Divisions: []record.Division{"130403"}, Classes: []record.Class{record.ClassGeneral}, Staff: []string{"li"},
			IssuedAt: at, ExpiresAt: at.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		return c.Raw
	}
	pin, own := session.Pin{7}, segment.ShardOf(shard.Public().(ed25519.PublicKey))
	good := ed25519.Sign(hub, session.HubMessage(own, pin))
	for name, row := range map[string]struct {
		certificate, signature []byte
		want                   error
	}{
		"a hub":                      {certify(shard, hub, segment.RoleHub), good, nil},
		"a tablet":                   {certify(shard, tablet, segment.RoleTablet), ed25519.Sign(tablet, session.HubMessage(own, pin)), session.ErrNotHub},
		"another shard's":            {certify(stranger, hub, segment.RoleHub), good, session.ErrNotHub},
		"with the word of another":   {certify(shard, hub, segment.RoleHub), ed25519.Sign(tablet, session.HubMessage(own, pin)), session.ErrNotHub},
		"with a word about another":  {certify(shard, hub, segment.RoleHub), ed25519.Sign(hub, session.HubMessage(own, session.Pin{8})), session.ErrNotHub},
		"with a word about no shard": {certify(shard, hub, segment.RoleHub), ed25519.Sign(hub, pin[:]), session.ErrNotHub},
		"without papers":             {nil, nil, session.ErrNotHub},
	} {
		if _, err := session.OpenIntroduction(shard.Public().(ed25519.PublicKey), pin, row.certificate, row.signature); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
