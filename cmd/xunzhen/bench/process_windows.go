// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

func processorTime(pid int) (time.Duration, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	defer windows.CloseHandle(h) //nolint:errcheck // it was only read
	var created, ended, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &ended, &kernel, &user); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	const tick = 100 * time.Nanosecond
	ticks := func(f windows.Filetime) time.Duration {
		return time.Duration(uint64(f.HighDateTime)<<32|uint64(f.LowDateTime)) * tick
	}
	return ticks(kernel) + ticks(user), nil
}

func peakMemory(pid int) (int64, error) {
	out, err := exec.Command("powershell", "-NoProfile", "-Command", "(Get-Process -Id "+strconv.Itoa(pid)+").PeakWorkingSet64").Output()
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}
