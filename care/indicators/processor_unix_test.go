// SPDX-License-Identifier: Apache-2.0

//go:build unix

package indicators

import (
	"syscall"
	"testing"
	"time"
)

// processorTime returns how long the process has kept processors busy.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
