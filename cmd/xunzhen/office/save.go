// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Registers reads the registers of a record with all their siblings, the displayed one
// first. An error wraps record.ErrMalformed.
func Registers(r *syncv1.Record) ([]record.Register, error) {
	out := make([]record.Register, len(r.GetRegisters()))
	for i, g := range r.GetRegisters() {
		out[i].Path = record.Path(g.GetPath())
		for _, s := range g.GetSiblings() {
			dot, _, err := causal.DecodeDot(s.GetDot())
			if err != nil {
				return nil, fmt.Errorf("record %x: %w: %w", r.GetId(), record.ErrMalformed, err)
			}
			out[i].Siblings = append(out[i].Siblings, record.Sibling{Dot: dot, ClockMs: s.GetClockMs(), Value: valueOf(s.GetValue())})
		}
	}
	return out, nil
}

func valueOf(m *syncv1.RegisterValue) record.Value {
	switch m.GetForm() {
	case syncv1.ValueForm_VALUE_FORM_PRESENT:
		return record.Of(m.GetPresent())
	case syncv1.ValueForm_VALUE_FORM_ERASED:
		return record.Value{Form: record.Erased}
	}
	return record.Value{Form: record.Clear}
}

// Save saves changes of a record for somebody and returns the save's name.
func (o *Office) Save(ctx context.Context, id record.ID, author string, changes []record.Change) (causal.Dot, error) {
	one := &syncv1.OfficeSave{Record: id[:]}
	for _, c := range changes {
		one.Changes = append(one.Changes, changeOf(c))
	}
	reply, err := o.records.Save(ctx, &syncv1.SaveRequest{Shard: o.Shard(), Author: author, Saves: []*syncv1.OfficeSave{one}})
	if err != nil {
		return causal.Dot{}, fmt.Errorf("save %s: %w", id, err)
	}
	if len(reply.GetSaved()) != 1 {
		return causal.Dot{}, fmt.Errorf("save %s: %w", id, record.ErrMalformed)
	}
	dot, _, err := causal.DecodeDot(reply.GetSaved()[0].GetDot())
	return dot, err
}

func changeOf(c record.Change) *syncv1.RegisterChange {
	m := &syncv1.RegisterChange{Path: []byte(c.Path), Value: &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_CLEAR}}
	if c.Value.Form == record.Present {
		m.Value = &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: c.Value.Bytes}
	}
	for _, p := range c.Parents {
		m.Parents = append(m.Parents, p.Append(nil))
	}
	return m
}
