// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processorTime reads the clock that counts what the process spends, to the
// nanosecond; /proc counts in hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	const wholeProcess = 2 // CPUCLOCK_SCHED, in clock_getcpuclockid's numbering
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|wholeProcess), &ts); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == "VmHWM:" {
			kib, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", pid)
}
