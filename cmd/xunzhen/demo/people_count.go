// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// linkIn reads the displayed values of a link record.
func linkIn(r *syncv1.Record) (pair [2]record.ID, linked bool, err error) {
	var registers []record.Register
	for _, g := range r.GetRegisters() {
		v := g.GetSiblings()[0].GetValue()
		registers = append(registers, record.Register{
			Path: record.Path(g.GetPath()), Siblings: []record.Sibling{{Value: record.Of(v.GetPresent())}},
		})
	}
	m, err := care.Message(care.KindResidentLink, registers)
	if err != nil {
		return pair, false, err
	}
	link := m.(*carev1.ResidentLink)
	if len(link.GetResidentA()) != 16 || len(link.GetResidentB()) != 16 {
		return pair, false, fmt.Errorf("link %x names no two residents", r.GetId())
	}
	pair = [2]record.ID{record.ID(link.GetResidentA()), record.ID(link.GetResidentB())}
	return pair, link.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED, nil
}

// components returns how many people residents are: those that links connect are
// one.
func components(residents []record.ID, links [][2]record.ID) int {
	smallest := map[record.ID]record.ID{}
	for _, id := range residents {
		smallest[id] = id
	}
	var find func(record.ID) record.ID
	find = func(id record.ID) record.ID {
		up, ok := smallest[id]
		if !ok || up == id {
			return id
		}
		smallest[id] = find(up)
		return smallest[id]
	}
	n := len(smallest)
	for _, l := range links {
		_, a := smallest[l[0]]
		_, b := smallest[l[1]]
		if !a || !b {
			continue // of a resident that is void
		}
		x, y := find(l[0]), find(l[1])
		if x == y {
			continue
		}
		if bytes.Compare(x[:], y[:]) > 0 {
			x, y = y, x
		}
		smallest[y] = x
		n--
	}
	return n
}
