// SPDX-License-Identifier: Apache-2.0

package authenticity

import "github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"

// ReadFrom has a module answer from a file that no projection has.
func ReadFrom(m *Module, file *sqlitefile.File) { m.file = file }
