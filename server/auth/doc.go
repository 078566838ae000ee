// SPDX-License-Identifier: Apache-2.0

// Package auth says who calls and what that caller may do: the TLS authority that
// tablets know by its pin, the challenge that a login signs, the session that it
// opens, the keys in files, and one table of who may call which method.
//
// Everything is denied that the table does not allow. What a caller may see and
// write is decided by its certificate: inside the engine, and by MaySee where records are
// found in another way than by a pull.
package auth

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var (
	// ErrToken is wrapped when a call has no session, or one that is over.
	ErrToken = errors.New("no session")
	// ErrLogin is wrapped when a challenge is none of this server's, used or too old,
	// or the signature over it is wrong.
	ErrLogin = errors.New("login fails")
)

// Who is a kind of caller.
type Who uint8

const (
	// Nobody has shown no session.
	Nobody Who = iota
	// Device is an installation with a certificate.
	Device
	// Operator is who holds the operator key of a county.
	Operator
	// Desk is a desk of the office, with a certificate: its owner's own key in place of the operator's, and less
	// than that opens.
	Desk
)

// Principal is who calls, in which shard. The zero Principal is nobody.
type Principal struct {
	Who         Who
	Shard       segment.ShardID
	Certificate segment.Certificate // of a Device or a Desk
}

// Certified returns the principal that a certificate makes: by its role alone, whoever shows it.
func Certified(c segment.Certificate) Principal {
	p := Principal{Who: Nobody, Shard: c.Shard, Certificate: c}
	switch {
	case c.Role.Saves():
		p.Who = Device
	case c.Role == segment.RoleOffice:
		p.Who = Desk
	}
	return p
}

// MayName reports whether somebody may be the author of what p saves or asks for: a desk's certificate says
// who; the operator answers for whom it names.
func (p Principal) MayName(author string) bool {
	return p.Who == Operator || p.Who == Desk && p.Certificate.AllowsAuthor(author)
}

// MaySee reports whether a record may be shown to p: to the operator every one, to a device or desk
// one whose privacy class and one of whose divisions its certificate names.
func (p Principal) MaySee(row syncengine.RecordRow) bool {
	switch p.Who {
	case Operator:
		return true
	case Device, Desk:
		return slices.Contains(p.Certificate.Classes, row.Class) &&
			slices.ContainsFunc(row.Divisions, func(d record.Division) bool { return d.WithinAny(p.Certificate.Divisions) })
	}
	return false
}

// LogValue leaves out whose the installation is.
func (p Principal) LogValue() slog.Value {
	switch p.Who {
	case Device, Desk:
		return slog.StringValue(p.Certificate.Replica().String())
	case Operator:
		return slog.StringValue("operator")
	}
	return slog.StringValue("nobody")
}

// Key names the principal among all of this server, for its share of it.
func (p Principal) Key() Key {
	switch p.Who {
	case Device, Desk:
		return Key{p.Who, p.Shard, [16]byte(p.Certificate.Replica())}
	case Operator:
		return Key{p.Who, p.Shard, [16]byte{}}
	}
	return Key{}
}

// Key tells principals apart; a renewed certificate does not change it.
type Key struct {
	who     Who
	shard   segment.ShardID
	replica [16]byte
}
