// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
)

// stopWithin is how long the server may take to stop before it is killed.
const stopWithin = 20 * time.Second

// centre is the server: the program itself as a child process.
type centre struct {
	process *exec.Cmd
	input   io.Closer // the server ends with it; nil: it outlives the demo
	dir     string
	serving office.Serving
	office  *office.Office
}

// startCentre starts the server of an empty county whose tablets come by line, and
// waits until it is ready. It ends with the demo unless it is detached.
func startCentre(ctx context.Context, executable, dir, county, line string, detached bool) (*centre, error) {
	own, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	c := &centre{dir: dir}
	// Not bound to ctx: an interrupted demo stops the server itself.
	c.process = exec.Command(executable, "serve", "--json", "--data", filepath.Join(dir, "server"), "--county", county,
		"--listen", own, "--announce", line, "--announce", own)
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	c.process.Stderr = log
	apart(c.process, detached)
	if !detached {
		c.process.Args = append(c.process.Args, "--with-input")
		if c.input, err = c.process.StdinPipe(); err != nil {
			return nil, err
		}
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.process.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := c.ready(out); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// freeAddress returns an address of this machine that nobody listens at now.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready reads what the server says when it is ready.
func (c *centre) ready(out interface{ Read([]byte) (int, error) }) error {
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		said, _ := os.ReadFile(filepath.Join(c.dir, "server.log"))
		return fmt.Errorf("the server did not start: %s", said)
	}
	if err := json.Unmarshal(line, &c.serving); err != nil {
		return fmt.Errorf("the server said something odd: %w", err)
	}
	c.office, err = c.serving.Connect("")
	return err
}

// stop ends the server in order, and kills it if it does not.
func (c *centre) stop() error {
	if c.office != nil {
		_ = c.office.Close()
	}
	if err := c.end(); err != nil {
		return errors.Join(err, c.process.Process.Kill(), c.process.Wait())
	}
	kill := time.AfterFunc(stopWithin, func() { _ = c.process.Process.Kill() })
	defer kill.Stop()
	return c.process.Wait()
}

// end tells the server to end.
func (c *centre) end() error {
	if c.input != nil {
		return c.input.Close()
	}
	return interrupt(c.process.Process)
}

// leave lets the server run on after the demo.
func (c *centre) leave() error {
	return errors.Join(c.office.Close(), c.process.Process.Release())
}
