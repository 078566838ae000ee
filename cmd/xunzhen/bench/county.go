// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// countyCode is the code of a county that does not exist.
const countyCode = "990102"

// villagesOf returns the villages of a county: so many townships with so many each.
func villagesOf(county string, townships, each int) []record.Division {
	var out []record.Division
	for t := range townships {
		for v := range each {
			out = append(out, record.Division(fmt.Sprintf("%s%03d%03d", county, t+1, v+1)))
		}
	}
	return out
}
