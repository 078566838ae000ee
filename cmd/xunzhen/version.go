// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// versionCommand says which program this is.
type versionCommand struct{}

// Run prints one line: version, commit, Go, system.
func (versionCommand) Run(c *call) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintln(c.Stdout, versionLine(info))
	return err
}

// versionLine leaves out what is not known: binaries of `go run` have no commit.
func versionLine(info *debug.BuildInfo) string {
	parts := []string{"xunzhen"}
	if info != nil {
		if v := info.Main.Version; v != "" {
			parts = append(parts, v)
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if commit := settings["vcs.revision"]; commit != "" {
			commit = commit[:min(12, len(commit))]
			if settings["vcs.modified"] == "true" {
				commit += "+"
			}
			parts = append(parts, commit)
		}
	}
	return strings.Join(append(parts, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH), " ")
}
