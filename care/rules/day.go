// SPDX-License-Identifier: Apache-2.0

package rules

import "github.com/xunzhen/xunzhen/care"

// DayOf returns the day that an entry is about: the date that stands first on its form, or the day
// it was captured where that is empty or no day.
func DayOf(e Entry) care.Date { return dayOf(e) }
