// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func invitation(addresses ...string) session.Invitation {
	return session.Invitation{
		Addresses: addresses, Code: "ABCD-EFGH-IJKL-MNOP", Shard: segment.ShardID{1, 2, 3}, Pin: session.Pin{31: 9},
	}
}

func TestInvitationIsReadAsWritten(t *testing.T) {
	for _, addresses := range [][]string{
		{"192.168.1.10:7443"},
		{"[fe80::1]:7443"},
		{"centre.example:443", "10.0.0.2:7443"},
	} {
		want := invitation(addresses...)
		text := want.String()
		for name, sent := range map[string]string{
			"as written": text,
			"lower case": strings.ToLower(text),
			"wrapped":    " " + text[:20] + "\n   " + text[20:50] + "\r\n" + text[50:] + "\n",
		} {
			got, err := session.ParseInvitation(sent)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
	}
}

func TestInvitationFitsASmallQRCode(t *testing.T) {
	const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	text := invitation("192.168.100.100:7443").String()
	if strings.Trim(text, alphanumeric) != "" {
		t.Errorf("%s has other signs", text)
	}
	if len(text) > 174 { // version 7, level M
		t.Errorf("%d characters", len(text))
	}
}

func TestMistypedInvitationIsRefused(t *testing.T) {
	text := invitation("192.168.1.10:7443").String()
	for i := range text {
		other := byte('A')
		if text[i] == other {
			other = 'B'
		}
		if _, err := session.ParseInvitation(text[:i] + string(other) + text[i+1:]); !errors.Is(err, session.ErrInvitation) {
			t.Errorf("with character %d changed: %v", i, err)
		}
		if _, err := session.ParseInvitation(text[:i]); !errors.Is(err, session.ErrInvitation) {
			t.Errorf("cut after %d characters: %v", i, err)
		}
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, a := range []string{"", "host", "host:", ":7443", "host:0", "host:65536", "host:http", "ho st:1", "a,b:1", "主机:1"} {
		if err := session.CheckAddresses([]string{a}); !errors.Is(err, session.ErrInvitation) {
			t.Errorf("%q: %v", a, err)
		}
	}
	if err := session.CheckAddresses(nil); err == nil {
		t.Error("no address is enough")
	}
	if err := session.CheckAddresses(strings.Fields("a:1 b:1 c:1 d:1 e:1")); err == nil {
		t.Error("five addresses are not too many")
	}
}

func TestInvitationIsLoggedWithoutItsCode(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("made", "invitation", invitation("192.168.1.10:7443"))
	if strings.Contains(out.String(), "ABCD") {
		t.Error(out.String())
	}
}

func FuzzParseInvitation(f *testing.F) {
	f.Add(invitation("192.168.1.10:7443").String())
	f.Add(invitation("centre.example:443", "[::1]:7443").String())
	f.Add("XZ1:a:1:")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := session.ParseInvitation(text)
		if err != nil {
			return
		}
		again, err := session.ParseInvitation(i.String())
		if diff := cmp.Diff(i, again); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
