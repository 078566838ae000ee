// SPDX-License-Identifier: Apache-2.0

// Command xunzhen is everything in one binary: the server of a county, its office's
// tools, a tablet in a shell, and a demonstration of all of them together.
//
// Each command has a file of its own. A command is a value with flags and a Run
// method; what it needs of the world stands in Program, so that tests can start it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	status := Here().Run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
