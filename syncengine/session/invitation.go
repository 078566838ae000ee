// SPDX-License-Identifier: Apache-2.0

package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// ErrInvitation is wrapped when a text is no invitation, or was cut or mistyped.
var ErrInvitation = errors.New("not an invitation")

// Limits of an invitation's addresses.
const (
	MaxAddresses   = 4
	maxAddressSize = 128 // bytes; of one
)

const (
	invitationScheme = "XZ1"
	codeSize         = 10 // bytes
	checkSize        = 2  // bytes; with the rest 60, so base32 has no bits to spare
)

// Invitation is all a new installation needs: where the server is, how to know it,
// which county it is for, and a code that lets it in once. As text it is
//
//	XZ1:<address>[,<address>]:<base32 of code (10) | shard (16) | pin (32) | check (2)>
//
// for example XZ1:192.168.1.10:7443:AAAQEAYEAUDAOCAJ…, with check the first bytes of
// the SHA-256 of all that stands before it. The text has upper-case letters, digits
// and a few signs only, so it makes a small QR code.
type Invitation struct {
	Addresses []string // host:port, the best one first
	Code      string   // in fours: AAAA-BBBB-CCCC-DDDD
	Shard     segment.ShardID
	Pin       Pin
}

// String writes i. Code and addresses must be well formed: it is for what Parse
// or an engine gave.
func (i Invitation) String() string {
	code, _ := base32Text.DecodeString(plainCode(i.Code))
	return textOf(invitationScheme, i.Addresses, bytes.Join([][]byte{code, i.Shard[:], i.Pin[:]}, nil))
}

// LogValue leaves out the code.
func (i Invitation) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("addresses", i.Addresses), slog.String("shard", i.Shard.String()))
}

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseInvitation reads what String writes, however it was wrapped or capitalised
// on its way. ParseInvitation(i.String()) gives i, with addresses in lower case.
func ParseInvitation(text string) (Invitation, error) {
	addresses, b, err := parseText(text, invitationScheme, codeSize+16+32)
	if err != nil {
		return Invitation{}, err
	}
	return Invitation{
		Addresses: addresses,
		Code:      groupedCode(b[:codeSize]),
		Shard:     segment.ShardID(b[codeSize:]),
		Pin:       Pin(b[codeSize+16:]),
	}, nil
}

// textOf writes what parseText reads: a scheme, addresses, and bytes with their check.
func textOf(scheme string, addresses []string, b []byte) string {
	head := scheme + ":" + strings.ToUpper(strings.Join(addresses, ",")) + ":"
	return head + base32Text.EncodeToString(append(b, invitationCheck(head, b)...))
}

// parseText returns the addresses, in lower case, and the size bytes of a text.
func parseText(text, scheme string, size int) (addresses []string, b []byte, err error) {
	text = strings.ToUpper(strings.Map(dropSpace, text))
	cut := strings.LastIndexByte(text, ':')
	if cut < 0 {
		return nil, nil, invalid("no parts")
	}
	head := text[:cut+1]
	between, ok := strings.CutPrefix(head, scheme+":")
	if !ok {
		return nil, nil, invalid("of another sort or version")
	}
	b, err = base32Text.DecodeString(text[cut+1:])
	if err != nil || len(b) != size+checkSize {
		return nil, nil, invalid("last part")
	}
	b, check := b[:size], b[size:]
	if !bytes.Equal(check, invitationCheck(head, b)) {
		return nil, nil, invalid("cut or mistyped")
	}
	addresses = strings.Split(strings.ToLower(strings.TrimSuffix(between, ":")), ",")
	return addresses, b, CheckAddresses(addresses)
}

// CheckAddresses returns an error that wraps ErrInvitation unless there are 1 to
// MaxAddresses addresses, each host:port.
func CheckAddresses(addresses []string) error {
	if len(addresses) == 0 || len(addresses) > MaxAddresses {
		return invalid("%d addresses", len(addresses))
	}
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil || host == "" || len(a) > maxAddressSize || strings.ContainsFunc(a, unfit) {
			return invalid("address %q", a)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return invalid("address %q", a)
		}
	}
	return nil
}

func unfit(r rune) bool { return r <= ' ' || r > '~' || r == ',' }

func dropSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvitation, fmt.Sprintf(format, args...))
}

func invitationCheck(head string, b []byte) []byte {
	sum := sha256.Sum256(append([]byte(head), b...))
	return sum[:checkSize]
}

func plainCode(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
}

func groupedCode(code []byte) string {
	text := base32Text.EncodeToString(code)
	var parts []string
	for ; len(text) > 4; text = text[4:] {
		parts = append(parts, text[:4])
	}
	return strings.Join(append(parts, text), "-")
}
