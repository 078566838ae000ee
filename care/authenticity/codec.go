// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"encoding/binary"
	"errors"
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Version names the format of encoded evidence and what Gather takes from forms. Files of
// another one are made anew.
const Version = 1

// ErrEvidence is wrapped when bytes are no evidence of this Version.
var ErrEvidence = errors.New("no evidence of this version")

// An encoding is integers as zigzag varints, texts and ids with their length before them, in
// the order of the code: DecodeVisit(v.Encode()) is v.
type encoding []byte

func (e *encoding) int(v int64) { *e = binary.AppendVarint(*e, v) }

func (e *encoding) text(s string) {
	e.int(int64(len(s)))
	*e = append(*e, s...)
}

func (e *encoding) id(id record.ID) {
	if id.IsZero() {
		e.text("")
		return
	}
	e.text(string(id[:]))
}

type decoding struct {
	rest []byte
	bad  bool
}

func (d *decoding) int() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoding) text() string {
	n := d.int()
	if n < 0 || n > int64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return ""
	}
	out := string(d.rest[:n])
	d.rest = d.rest[n:]
	return out
}

func (d *decoding) id() record.ID { return idOf([]byte(d.text())) }

func (d *decoding) done(what string) error {
	if d.bad || len(d.rest) > 0 {
		return fmt.Errorf("%s: %w", what, ErrEvidence)
	}
	return nil
}

const (
	flagPhone = 1 << iota
	flagAtHome
	flagNobody
	flagPoint
)

func (v *Visit) flags() (f int64) {
	for _, one := range []struct {
		set bool
		bit int64
	}{{v.Phone, flagPhone}, {v.AtHome, flagAtHome}, {v.Nobody, flagNobody}, {v.Point.Set, flagPoint}} {
		if one.set {
			f |= one.bit
		}
	}
	return f
}

// Encode returns v as derived files keep it; DecodeVisit reads it.
func (v *Visit) Encode() []byte {
	var e encoding
	e.int(Version)
	for _, id := range []record.ID{v.Record, v.Person, v.Household} {
		e.id(id)
	}
	e.int(int64(v.Kind))
	for _, s := range []string{v.Doctor, v.Unit, v.Author, string(v.Division), v.Signer} {
		e.text(s)
	}
	for _, n := range []int64{
		int64(v.Class), int64(v.Day), int64(v.Next), v.Began, v.Ended - v.Began, v.Entered - v.Began, v.Saved - v.Entered, v.Received - v.Saved,
		int64(v.Source), v.flags(), int64(v.Result), int64(v.ECG), int64(v.Sound), int64(v.Glucose),
	} {
		e.int(n)
	}
	if v.Point.Set {
		for _, n := range []int32{v.Point.Lat, v.Point.Lon, v.Point.Accuracy, int32(v.Point.System)} {
			e.int(int64(n))
		}
	}
	e.int(int64(len(v.Values)))
	for _, one := range v.Values {
		e.int(int64(one.Field))
		e.int(int64(one.V))
	}
	return e
}

// DecodeVisit reads what Encode wrote. Its errors wrap ErrEvidence.
func DecodeVisit(b []byte) (v Visit, err error) {
	d := &decoding{rest: b}
	if d.int() != Version {
		return v, fmt.Errorf("visit: %w", ErrEvidence)
	}
	v.Record, v.Person, v.Household = d.id(), d.id(), d.id()
	v.Kind = record.Kind(d.int())
	v.Doctor, v.Unit, v.Author, v.Division, v.Signer = d.text(), d.text(), d.text(), record.Division(d.text()), d.text()
	v.Class, v.Day, v.Next = record.Class(d.int()), care.Date(d.int()), care.Date(d.int())
	v.Began = d.int()
	v.Ended, v.Entered = v.Began+d.int(), v.Began+d.int()
	v.Saved = v.Entered + d.int()
	v.Received = v.Saved + d.int()
	v.Source = carev1.CaptureSource(d.int())
	flags := d.int()
	v.Phone, v.AtHome, v.Nobody, v.Point.Set = flags&flagPhone != 0, flags&flagAtHome != 0, flags&flagNobody != 0, flags&flagPoint != 0
	v.Result, v.ECG, v.Sound, v.Glucose = carev1.FollowUpResult(d.int()), carev1.FindingResult(d.int()), carev1.FindingResult(d.int()), int32(d.int())
	if v.Point.Set {
		v.Point.Lat, v.Point.Lon, v.Point.Accuracy, v.Point.System = int32(d.int()), int32(d.int()), int32(d.int()), carev1.CoordinateSystem(d.int())
	}
	for n := d.int(); n > 0 && !d.bad; n-- {
		v.Values = append(v.Values, Value{Field(d.int()), int32(d.int())})
	}
	return v, d.done("visit")
}

// Encode returns m as derived files keep it; DecodeMember reads it.
func (m *Member) Encode() []byte {
	var e encoding
	e.int(Version)
	for _, id := range []record.ID{m.Record, m.Person, m.Household} {
		e.id(id)
	}
	for _, s := range []string{m.Doctor, m.Unit, string(m.Division), m.Place} {
		e.text(s)
	}
	for _, n := range []int64{int64(m.Class), int64(m.Day), int64(m.Birth)} {
		e.int(n)
	}
	e.text(m.Number)
	if m.Staff {
		e.int(1)
	} else {
		e.int(0)
	}
	return e
}

// DecodeMember reads what Encode wrote. Its errors wrap ErrEvidence.
func DecodeMember(b []byte) (m Member, err error) {
	d := &decoding{rest: b}
	if d.int() != Version {
		return m, fmt.Errorf("member: %w", ErrEvidence)
	}
	m.Record, m.Person, m.Household = d.id(), d.id(), d.id()
	m.Doctor, m.Unit, m.Division, m.Place = d.text(), d.text(), record.Division(d.text()), d.text()
	m.Class, m.Day, m.Birth = record.Class(d.int()), care.Date(d.int()), care.Date(d.int())
	m.Number, m.Staff = d.text(), d.int() == 1
	return m, d.done("member")
}
