// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// view is what a caller of the office's services may see.
type view struct {
	// Divisions are prefixes; an empty one is the whole county, with what is nowhere.
	Divisions []record.Division
	Classes   []record.Class
	// Masked: numbers of documents and telephones are shown in part (care.MaskNumber,
	// care.MaskPhone).
	Masked bool
}

// view returns what the caller may see: the operator everything.
func (c *call) view() view {
	return view{
		Divisions: []record.Division{""},
		Classes:   []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	}
}
