// SPDX-License-Identifier: Apache-2.0

package care

import "strings"

// MaskNumber returns the number of an identity document as lists show it to those who need not
// know it: the first six characters and the last four, stars between them; of one that is not
// longer than ten, the last two only. Source: indicators.md §6.9 [K].
func MaskNumber(number string) string { return mask(number, 6, 4) }

// MaskPhone returns a telephone number as lists show it to those who need not know it: the first
// three characters and the last four; of one that is not longer than seven, the last two only.
func MaskPhone(phone string) string { return mask(phone, 3, 4) }

// mask keeps so many characters at either end. What is too short for that keeps two at its end.
func mask(text string, head, tail int) string {
	r := []rune(text)
	if len(r) <= head+tail {
		head, tail = 0, min(2, len(r)/2)
	}
	return string(r[:head]) + strings.Repeat("*", len(r)-head-tail) + string(r[len(r)-tail:])
}
