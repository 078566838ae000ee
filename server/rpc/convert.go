// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// invalid refuses a request that makes no sense.
func invalid(format string, args ...any) error {
	return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "request", Err: fmt.Errorf(format, args...)}
}

func tooMuch(format string, args ...any) error {
	return &syncengine.Error{Reason: syncengine.ReasonTooMuch, Doing: "request", Err: fmt.Errorf(format, args...)}
}

func recordFromWire(b []byte) (record.ID, error) {
	if len(b) != len(record.ID{}) || !record.ID(b).Valid() {
		return record.ID{}, invalid("record id of %d bytes", len(b))
	}
	return record.ID(b), nil
}

func dotFromWire(b []byte) (causal.Dot, error) {
	d, rest, err := causal.DecodeDot(b)
	if err != nil || len(rest) > 0 || d.IsZero() {
		return causal.Dot{}, invalid("dot of %d bytes", len(b))
	}
	return d, nil
}

func dotToWire(d causal.Dot) []byte {
	if d.IsZero() {
		return nil
	}
	return d.Append(nil)
}

func dotsFromWire(raw [][]byte) ([]causal.Dot, error) {
	out := make([]causal.Dot, len(raw))
	for i, b := range raw {
		d, err := dotFromWire(b)
		if err != nil {
			return nil, err
		}
		out[i] = d
	}
	return causal.NewVector(out...), nil
}

func valueToWire(v record.Value) *syncv1.RegisterValue {
	switch v.Form {
	case record.Present:
		return &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: v.Bytes}
	case record.Erased:
		return &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_ERASED}
	}
	return &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_CLEAR}
}

// valueFromWire reads a value that somebody may save.
func valueFromWire(m *syncv1.RegisterValue) (record.Value, error) {
	switch m.GetForm() {
	case syncv1.ValueForm_VALUE_FORM_PRESENT:
		return record.Of(m.GetPresent()), nil
	case syncv1.ValueForm_VALUE_FORM_CLEAR:
		return record.Value{}, nil
	}
	return record.Value{}, invalid("value of form %v", m.GetForm())
}

func changesToWire(changes []record.Change) []*syncv1.RegisterChange {
	var out []*syncv1.RegisterChange
	for _, c := range changes {
		m := &syncv1.RegisterChange{Path: []byte(c.Path), Value: valueToWire(c.Value)}
		for _, d := range c.Parents {
			m.Parents = append(m.Parents, dotToWire(d))
		}
		out = append(out, m)
	}
	return out
}

func changesFromWire(changes []*syncv1.RegisterChange) ([]record.Change, error) {
	out := make([]record.Change, len(changes))
	for i, m := range changes {
		p := record.Path(m.GetPath())
		if err := p.Valid(); err != nil {
			return nil, invalid("path: %w", err)
		}
		v, err := valueFromWire(m.GetValue())
		if err != nil {
			return nil, err
		}
		parents, err := dotsFromWire(m.GetParents())
		if err != nil {
			return nil, err
		}
		out[i] = record.Change{Path: p, Value: v, Parents: parents}
	}
	return out, nil
}

// recordFlags are the flags in the engine's order.
func recordFlags() []syncengine.Flags {
	return []syncengine.Flags{
		syncengine.FlagConflict, syncengine.FlagHeld, syncengine.FlagWaiting, syncengine.FlagNoScope, syncengine.FlagVoided,
	}
}

func flagsToWire(f syncengine.Flags) []syncv1.RecordFlag {
	var out []syncv1.RecordFlag
	for i, one := range recordFlags() {
		if f&one != 0 {
			out = append(out, syncv1.RecordFlag(i+1))
		}
	}
	return out
}

func flagsFromWire(flags []syncv1.RecordFlag) (syncengine.Flags, error) {
	var out syncengine.Flags
	all := recordFlags()
	for _, f := range flags {
		if f < 1 || int(f) > len(all) {
			return 0, invalid("flag %d", f)
		}
		out |= all[f-1]
	}
	return out, nil
}

func rowToWire(r syncengine.RecordRow) *syncv1.Record {
	m := &syncv1.Record{
		Id:           r.ID[:],
		Kind:         uint32(r.ID.Kind()),
		Position:     uint64(r.Position),
		PrivacyClass: uint32(r.Class),
		Flags:        flagsToWire(r.Flags),
	}
	for _, d := range r.Divisions {
		m.Divisions = append(m.Divisions, string(d))
	}
	if !r.Subject.IsZero() {
		m.Subject = r.Subject[:]
	}
	return m
}

// registersToWire writes those registers of a state that are wanted.
func registersToWire(s record.State, wanted func(record.Register) bool) []*syncv1.RecordRegister {
	var out []*syncv1.RecordRegister
	for _, g := range s.Registers() {
		if !wanted(g) {
			continue
		}
		m := &syncv1.RecordRegister{Path: []byte(g.Path)}
		for _, v := range g.Siblings {
			m.Siblings = append(m.Siblings, &syncv1.Sibling{Dot: dotToWire(v.Dot), ClockMs: v.ClockMs, Value: valueToWire(v.Value)})
		}
		out = append(out, m)
	}
	return out
}

func everyRegister(record.Register) bool { return true }

func revisionToWire(v syncengine.RevisionView) *syncv1.Revision {
	r := v.Revision
	m := &syncv1.Revision{
		Dot:          dotToWire(r.Dot),
		Prev:         dotToWire(r.PrevDot()),
		Author:       r.Author,
		ClockMs:      r.ClockMs,
		Verdict:      syncv1.Verdict(v.Verdict),
		LedgerIndex:  uint64(v.Place.Leaf),
		ReceivedAtMs: v.ReceivedAt.UnixMilli(),
		DatedAhead:   v.DatedAhead,
		Changes:      changesToWire(r.Changes),
	}
	if !r.ScopeSeen.Dot.IsZero() {
		m.ScopeSeen = &syncv1.ScopeSeen{Dot: dotToWire(r.ScopeSeen.Dot), Division: []byte(r.ScopeSeen.Division)}
	}
	return m
}

const maxFilterDivisions = 64

// filterFromWire reads a filter; without divisions or classes it selects all.
func filterFromWire(m *syncv1.RecordFilter) (syncengine.FeedQuery, error) {
	q := syncengine.FeedQuery{Kind: record.Kind(m.GetKind())}
	if m.GetKind() > uint32(record.MaxKind) {
		return q, invalid("kind %d", m.GetKind())
	}
	if len(m.GetDivisions()) > maxFilterDivisions || len(m.GetPrivacyClasses()) > segment.MaxClasses {
		return q, tooMuch("%d divisions, %d classes", len(m.GetDivisions()), len(m.GetPrivacyClasses()))
	}
	for _, d := range m.GetDivisions() {
		q.Divisions = append(q.Divisions, record.Division(d))
		if !record.Division(d).ValidPrefix() {
			return q, invalid("division prefix")
		}
	}
	for _, c := range m.GetPrivacyClasses() {
		q.Classes = append(q.Classes, record.Class(c))
		if c > 255 {
			return q, invalid("privacy class %d", c)
		}
	}
	if len(q.Divisions) == 0 {
		q.Divisions = []record.Division{""}
	}
	if len(q.Classes) == 0 {
		q.Classes = []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}
	}
	if len(m.GetSubject()) == 0 {
		return q, nil
	}
	subject, err := recordFromWire(m.GetSubject())
	q.Subject = subject
	return q, err
}

func replicaToWire(i syncengine.ReplicaInfo) (*syncv1.ReplicaInfo, error) {
	id := i.Certificate.Replica()
	m := &syncv1.ReplicaInfo{Replica: id[:], Revoked: i.Revoked, LastCounter: i.Last, Certificate: &syncv1.CertificateBody{}}
	signed, err := segment.DecodeSigned(i.Certificate.Raw)
	if err == nil {
		err = proto.Unmarshal(signed.Body, m.Certificate)
	}
	for _, f := range i.Forks[:min(len(i.Forks), maxForks)] {
		m.Forks = append(m.Forks, &syncv1.Fork{One: f[0][:], Other: f[1][:]})
	}
	return m, err
}

// maxForks is how many forks of one replica are listed.
const maxForks = 16

// checkAuthor wants to know for whom the office acts.
func checkAuthor(author string) error {
	if author == "" {
		return invalid("author: %w", errors.New("missing"))
	}
	return nil
}
