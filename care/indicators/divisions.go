// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Divisions returns all divisions in which an outcome of these facts can be, in no particular order; "" is not
// among them.
func (f Facts) Divisions() []record.Division { return slices.Clone(f.places) }
