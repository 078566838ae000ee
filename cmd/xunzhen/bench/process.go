// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// A process is the server under measurement: `serve` as anybody starts it.
type process struct {
	cmd    *exec.Cmd
	stdout io.Closer

	address string
	pin     session.Pin
	shard   segment.ShardID
	dir     string // of the county
}

// announced is what serve --json prints.
type announced struct {
	Address  string `json:"address"`
	Pin      string `json:"pin"`
	Counties []struct {
		Shard string `json:"shard"`
		Dir   string `json:"dir"`
	} `json:"counties"`
}

// start starts a server over a new data folder and returns when it listens.
func start(ctx context.Context, executable, data string, errs io.Writer) (*process, error) {
	return startCounty(ctx, executable, data, countyCode, errs)
}

// startCounty is start with the county of this code.
func startCounty(ctx context.Context, executable, data, code string, errs io.Writer) (*process, error) {
	cmd := exec.CommandContext(ctx, executable, "serve", "--json", "--county", code, "--data", data, "--listen", "127.0.0.1:0")
	cmd.Stderr = errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	p := &process{cmd: cmd, stdout: out}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = p.read(line)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	return p, nil
}

func (p *process) read(line []byte) error {
	var a announced
	if err := json.Unmarshal(line, &a); err != nil {
		return err
	}
	pin, err := hex.DecodeString(a.Pin)
	if err != nil || len(pin) != len(p.pin) || len(a.Counties) != 1 {
		return fmt.Errorf("it announced %s", line)
	}
	p.address, p.pin, p.dir = a.Address, session.Pin(pin), a.Counties[0].Dir
	p.shard, err = segment.ParseShardID(a.Counties[0].Shard)
	return err
}

// stop ends the server in good order, so that its file holds everything.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		if err := p.cmd.Process.Kill(); err != nil {
			return err
		}
	}
	return p.cmd.Wait()
}

// cpu returns the processor time that the server has taken so far.
func (p *process) cpu() (time.Duration, error) { return processorTime(p.cmd.Process.Pid) }

// memory returns the most memory that the server ever had in use, in MiB.
func (p *process) memory() (float64, error) {
	b, err := peakMemory(p.cmd.Process.Pid)
	return float64(b) / (1 << 20), err
}

// storeFiles is the size of the county's database, its write-ahead log too, in bytes;
// without what is derived from it.
func (p *process) storeFiles() (int64, error) {
	files, err := filepath.Glob(filepath.Join(p.dir, "shard.db*"))
	if err != nil {
		return 0, err
	}
	size := int64(0)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}

// office opens the office's side of the server, for enrolment codes.
func (p *process) office() (*office.Office, error) {
	key, err := county.OperatorKey(p.dir)
	if err != nil {
		return nil, err
	}
	return office.Connect(office.Config{Address: p.address, Pin: p.pin, Shard: p.shard, Key: key})
}
