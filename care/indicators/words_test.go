// SPDX-License-Identifier: Apache-2.0

package indicators

import "fmt"

// sprint puts words and numbers together without spaces between.
func sprint(parts ...any) string {
	out := ""
	for _, p := range parts {
		out += fmt.Sprint(p)
	}
	return out
}
