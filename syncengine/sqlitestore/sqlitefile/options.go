// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"io/fs"
	"time"
)

// Options are how a file is opened. The zero value opens an existing file.
type Options struct {
	// Create makes the file if there is none. Without it a missing or empty file is
	// an error: a mistyped path or a lost disk must not look like a fresh start.
	Create bool
	// Readers is how many Views may run at once; 0: 4. A reader costs up to
	// ReaderCache of memory, and more of them than cores gain nothing.
	Readers int
	// WriterCache and ReaderCache are the greatest page caches in bytes; 0: 32 MiB
	// for the writer, 8 MiB for each reader. With less than 32 MiB, putting records
	// slows down from some 100,000 on, because index pages are read again and again.
	WriterCache, ReaderCache int
}

// Schema is what a kind of file has inside.
type Schema struct {
	// Name is what messages call such a file, for example "shard".
	Name string
	// ApplicationID marks such files for ever (SQLite's application_id), so that
	// nobody else's file is taken for one.
	ApplicationID int32
	// Migrations has files 0001_name.sql, 0002_name.sql, … . A released one is never
	// edited; there is no way back.
	Migrations fs.FS
}

const (
	defaultReaders     = 4
	defaultWriterCache = 32 << 20
	defaultReaderCache = 8 << 20

	// busyTimeout is how long to wait for a lock that a foreign tool holds, such as
	// the sqlite3 shell. Our own connections never wait for each other.
	busyTimeout = 5 * time.Second

	// walPages is the size of the write-ahead log, in pages of 4 KiB, from which on
	// a commit moves it into the file. SQLite's 1,000 makes a busy writer do that
	// many times a second; 10,000 (40 MB) is about once in ten thousand records.
	walPages = 10_000

	// walKeep is the size in bytes that the write-ahead log is cut back to after a
	// single transaction made it larger, so that one import does not keep the disk.
	walKeep = 64 << 20
)

func (o Options) withDefaults() Options {
	if o.Readers == 0 {
		o.Readers = defaultReaders
	}
	if o.WriterCache == 0 {
		o.WriterCache = defaultWriterCache
	}
	if o.ReaderCache == 0 {
		o.ReaderCache = defaultReaderCache
	}
	return o
}
