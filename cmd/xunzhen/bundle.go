// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/transport"
)

// bundleCommands are the centre's side of files that are carried by hand.
type bundleCommands struct {
	Import bundleImport `cmd:"" help:"help_bundle_import"`
	Export bundleExport `cmd:"" help:"help_bundle_export"`
}

// bundleImport takes what tablets wrote and writes the answers.
type bundleImport struct {
	officeFlags
	Files   []string `arg:"" name:"file" help:"help_bundle_files" placeholder:"FILE"`
	Answers string   `help:"help_bundle_answers" placeholder:"DIR"`
	Json    bool     `help:"help_json"`
}

// importedBundle is what became of one file.
type importedBundle struct {
	File      string `json:"file"`
	Answer    string `json:"answer"`
	Replica   string `json:"replica"`
	MadeMs    uint64 `json:"made_ms"` // by the tablet's clock
	Stored    uint64 `json:"stored"`  // segments
	Already   uint64 `json:"already"`
	Blocked   uint64 `json:"blocked"`
	Refused   uint64 `json:"refused"`
	Records   uint64 `json:"records"` // in the answer
	BrokenOff bool   `json:"broken_off"`
	Revoked   bool   `json:"revoked"`
}

// Run takes one file after the other. It fails when one of them was not whole, after
// taking all.
func (f bundleImport) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		var done []importedBundle
		var errs []error
		for _, file := range f.Files {
			one, err := f.one(c, o, file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			done = append(done, one)
			if one.BrokenOff {
				errs = append(errs, &problem{key: "problem_bundle_broken", args: []any{file}})
			}
		}
		if err := c.tellImported(done, f.Json); err != nil {
			return err
		}
		return c.failedEach(errs)
	})
}

// failedEach says every error and returns errSilent, nil when there is none.
func (c *call) failedEach(errs []error) error {
	for _, err := range errs {
		c.failed(err)
	}
	if len(errs) > 0 {
		return errSilent
	}
	return nil
}

func (f bundleImport) one(c *call, o *office.Office, path string) (importedBundle, error) {
	in, err := openBundle(o, path)
	if err != nil {
		return importedBundle{}, err
	}
	defer in.Close() //nolint:errcheck // nothing was written
	info, err := in.Stat()
	if err != nil {
		return importedBundle{}, bundleProblem(path, err)
	}
	dir := f.Answers
	if dir == "" {
		dir = filepath.Dir(path)
	}
	bar := c.screen().Begin(c.say("bundle_importing", filepath.Base(path)), int(info.Size()))
	var report *syncv1.BundleReport
	answer, err := newBundle(dir, func(out io.Writer) (err error) {
		report, err = o.ImportBundle(c.ctx, in, out, func(sent int64) { bar.Set(int(sent), int(info.Size())) })
		return err
	})
	bar.End("")
	if transport.ReasonOf(err) == syncv1.Reason_REASON_UNREADABLE {
		err = problemf("problem_bundle_broken", path) // from its beginning
	}
	if err != nil {
		return importedBundle{}, err
	}
	return imported(path, answer, report), nil
}

func imported(path, answer string, r *syncv1.BundleReport) importedBundle {
	out := importedBundle{
		File: path, Answer: answer, MadeMs: r.GetMadeAtMs(), Stored: r.GetStored(), Already: r.GetAlready(), Blocked: r.GetBlocked(),
		Refused: r.GetRefused(), Records: r.GetRecords(), BrokenOff: r.GetBrokenOff(), Revoked: r.GetRevoked(),
	}
	if id := r.GetReplica(); len(id) == len(causal.ReplicaID{}) {
		out.Replica = causal.ReplicaID(id).String()
	}
	return out
}

func (c *call) tellImported(all []importedBundle, asJSON bool) error {
	if asJSON {
		if all == nil {
			all = []importedBundle{}
		}
		return c.json(all)
	}
	for _, b := range all {
		c.line("bundle_imported", b.File, b.Replica, time.UnixMilli(int64(b.MadeMs)).Local().Format("2006-01-02 15:04"))
		t := terminal.Table{Indent: 2, Right: []bool{false, true}}
		t.Add(c.say("bundle_stored"), b.Stored)
		t.Add(c.say("sync_already"), b.Already)
		if b.Blocked > 0 {
			t.Add(c.say("sync_blocked"), b.Blocked)
		}
		if b.Refused > 0 {
			t.Add(c.say("sync_refused"), b.Refused)
		}
		t.Add(c.say("bundle_records"), b.Records)
		if err := t.Write(c.Stdout); err != nil {
			return err
		}
		if b.Revoked {
			c.line("bundle_revoked")
		}
		c.line("bundle_answer", b.Answer)
	}
	return nil
}

// bundleExport writes what a tablet did not ask for.
type bundleExport struct {
	officeFlags
	For  string `help:"help_bundle_for" required:"" placeholder:"REPLICA"`
	Path string `arg:"" optional:"" default:"." help:"help_bundle_dir" placeholder:"DIR"`
}

// Run writes a file into the folder.
func (f bundleExport) Run(c *call) error {
	replica, err := causal.ParseReplicaID(f.For)
	if err != nil {
		return &problem{key: "problem_bundle_replica", args: []any{f.For}, cause: err}
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		var report *syncv1.BundleReport
		path, err := newBundle(f.Path, func(out io.Writer) (err error) {
			report, err = o.ExportBundle(c.ctx, replica, out)
			return err
		})
		if err != nil {
			return err
		}
		if report.GetRevoked() {
			c.line("bundle_revoked")
		}
		c.line("bundle_exported", report.GetRecords(), path)
		return nil
	})
}

// openBundle opens a file that a tablet of this county wrote.
func openBundle(o *office.Office, path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, bundleProblem(path, err)
	}
	h, err := bundle.ReadHeader(file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	switch {
	case err != nil:
		err = bundleProblem(path, err)
	case h.Direction != bundle.Up:
		err = problemf("problem_bundle_down", path)
	case string(h.Shard[:]) != string(o.Shard()):
		err = problemf("problem_bundle_county", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// bundleProblem says what is wrong with a file.
func bundleProblem(path string, err error) error {
	switch {
	case errors.Is(err, bundle.ErrNotBundle):
		return problemf("problem_bundle_none", path)
	case errors.Is(err, bundle.ErrNewer):
		return problemf("problem_bundle_newer", path)
	}
	return &problem{key: "problem_bundle_file", args: []any{path}, cause: err}
}

// newBundle writes a file into a folder, under the name that its header gives it, and
// returns the path. Half a file gets no such name.
func newBundle(dir string, write func(io.Writer) error) (string, error) {
	aside, err := os.CreateTemp(dir, ".xunzhen-*.part")
	if err != nil {
		return "", bundleProblem(dir, err)
	}
	err = write(aside)
	if err == nil {
		err = fileProblem(dir, aside.Sync())
	}
	var h bundle.Header
	if err == nil {
		_, serr := aside.Seek(0, io.SeekStart)
		h, err = bundle.ReadHeader(aside)
		err = fileProblem(dir, errors.Join(serr, err))
	}
	err = errors.Join(err, fileProblem(dir, aside.Close()))
	path := filepath.Join(dir, h.FileName())
	if err == nil {
		err = fileProblem(dir, os.Rename(aside.Name(), path))
	}
	if err != nil {
		_ = os.Remove(aside.Name())
		return "", err
	}
	return path, nil
}

func fileProblem(path string, err error) error {
	var perr *fs.PathError
	if err == nil || !errors.As(err, &perr) {
		return err
	}
	return bundleProblem(path, err)
}
