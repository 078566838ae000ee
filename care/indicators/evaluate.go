// SPDX-License-Identifier: Apache-2.0

package indicators

import "github.com/xunzhen/xunzhen/care"

// A Question is what is asked of facts.
type Question struct {
	Period Period
	// AsOf is the day on which it is asked: nothing after it counts, and the last day t1 is the
	// earlier of it and the end of the period. Before the period there are no outcomes.
	AsOf care.Date
	// ReceivedBy leaves out what the centre received later; 0 takes everything.
	ReceivedBy care.Date
	// Codes are the indicators asked for; nil for all.
	Codes []Code
	// Explain says why who does not count does not. It takes several times as long.
	Explain bool
}
