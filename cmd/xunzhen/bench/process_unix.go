// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package bench

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// processorTime asks ps, which counts in hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	text, err := ps("time", pid)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, part := range strings.Split(text, ":") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time %q: %w", text, err)
		}
		total = total*60 + v
	}
	return time.Duration(total * float64(time.Second)), nil
}

// peakMemory returns what the process has now: ps does not remember the most.
func peakMemory(pid int) (int64, error) {
	text, err := ps("rss", pid)
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseInt(text, 10, 64)
	return kib << 10, err
}

func ps(column string, pid int) (string, error) {
	out, err := exec.Command("ps", "-o", column+"=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", fmt.Errorf("ps: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
