// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"fmt"
	"os"
)

// place is where the open files stood when they were opened. A system that lets open
// files be moved or removed lets SQLite go on writing into what nobody finds again.
type place struct{ own []namedFile }

type namedFile struct {
	path string
	info os.FileInfo
}

// placeOf notes the file at path and the write-ahead log beside it, both open.
func placeOf(path string) (place, error) {
	var p place
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return p, err
		}
		p.own = append(p.own, namedFile{name, info})
	}
	return p, nil
}

// check returns an error that wraps ErrMoved unless the files stand where they did.
func (p place) check() error {
	for _, f := range p.own {
		if now, err := os.Stat(f.path); err != nil || !os.SameFile(now, f.info) {
			return fmt.Errorf("%s: %w: put it back where it was, or stop this program and bring back a copy", f.path, ErrMoved)
		}
	}
	return nil
}
