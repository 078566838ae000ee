// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// shardCommand tells the key that proofs of a county are checked with.
type shardCommand struct {
	officeFlags
	Json bool `help:"help_json"`
}

// shardJSON is the key for programs.
type shardJSON struct {
	County string `json:"county"`
	Shard  string `json:"shard"`
	Key    string `json:"key"`
}

// Run prints the key alone on its first line, so that it can be copied.
func (f shardCommand) Run(c *call) error {
	return f.open(c, func(o *office.Office, one office.ServingCounty) error {
		key, err := o.ShardKey(c.ctx)
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(shardJSON{one.Code, segment.ShardOf(key).String(), hex.EncodeToString(key)})
		}
		fmt.Fprintln(c.Stdout, hex.EncodeToString(key))
		c.note("shard_what", one.Code, segment.ShardOf(key))
		return nil
	})
}

// proveCommand writes a proof file about a record.
type proveCommand struct {
	officeFlags
	ID   string `arg:"" help:"help_id" placeholder:"ID"`
	Save string `help:"help_prove_save" placeholder:"DOT"`
	Out  string `short:"o" help:"help_prove_out" placeholder:"FILE"`
	Json bool   `help:"help_json"`
}

// provedJSON says what was written, for programs.
type provedJSON struct {
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
	Key   string `json:"key"`
}

// Run writes the file, which nobody else on the machine may read, and says how it is
// checked.
func (f proveCommand) Run(c *call) error {
	id, only, err := named(f.ID, f.Save)
	if err != nil {
		return err
	}
	if f.Out == "" {
		f.Out = f.ID + ".proof"
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		raw, err := o.Prove(c.ctx, id, only)
		if err != nil {
			return err
		}
		key, err := o.ShardKey(c.ctx)
		if err != nil {
			return err
		}
		if err := writeNew(f.Out, raw); err != nil {
			return err
		}
		if f.Json {
			return c.json(provedJSON{f.Out, len(raw), hex.EncodeToString(key)})
		}
		c.line("proved", f.Out, len(raw), hex.EncodeToString(key))
		return nil
	})
}

// named reads a record id, and the name of one of its saves where there is one.
func named(id, save string) (record.ID, causal.Dot, error) {
	r, err := record.ParseID(id)
	if err != nil {
		return r, causal.Dot{}, problemf("problem_record_id", id)
	}
	if save == "" {
		return r, causal.Dot{}, nil
	}
	d, err := causal.ParseDot(save)
	if err != nil {
		return r, d, problemf("problem_save_name", save)
	}
	return r, d, nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, content []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return problemf("problem_file_exists", name)
	}
	if err != nil {
		return &problem{key: "problem_write", args: []any{name}, cause: err}
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(name) // half a proof is of no use
		return &problem{key: "problem_write", args: []any{name}, cause: err}
	}
	return nil
}
