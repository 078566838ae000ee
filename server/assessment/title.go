// SPDX-License-Identifier: Apache-2.0

package assessment

import "github.com/xunzhen/xunzhen/care/rules"

// titleOf returns what a record about nobody is called: its title or its name, "" if it has none.
func titleOf(entries []rules.Entry) string {
	for _, e := range entries {
		switch form := e.Form.(type) {
		case interface{ GetTitle() string }:
			return form.GetTitle()
		case interface{ GetTopic() string }:
			return form.GetTopic()
		case interface{ GetName() string }:
			return form.GetName()
		}
	}
	return ""
}
