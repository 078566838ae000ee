// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/auth"
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

// view returns what the caller may see: the operator everything; a desk what its certificate names, with whole
// numbers only where all its staff may see them; anybody else nothing.
func (c *call) view() view {
	switch c.principal.Who {
	case auth.Operator:
		return view{
			Divisions: []record.Division{""},
			Classes:   []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
		}
	case auth.Desk:
		cert := c.principal.Certificate
		return view{Divisions: cert.Divisions, Classes: cert.Classes, Masked: !c.controllers(cert.Staff)}
	}
	return view{Masked: true}
}

// controllers reports whether each of the staff is a quality controller or a county administrator today, by what
// the centre itself has recorded. A desk cannot show who of its staff sits at it, so the least of them counts; and
// when that cannot be found out, nobody is one.
func (c *call) controllers(staff []string) bool {
	if len(staff) == 0 || c.county.Staff.CatchUp(c.ctx) != nil {
		return false
	}
	for _, id := range staff {
		if !c.county.Staff.Works(id, care.DateOf(c.began),
			carev1.StaffRole_STAFF_ROLE_QUALITY_CONTROLLER, carev1.StaffRole_STAFF_ROLE_COUNTY_ADMINISTRATOR) {
			return false
		}
	}
	return true
}
