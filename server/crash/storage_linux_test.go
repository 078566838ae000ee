// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// The program on a disk that is really full: it refuses a push with that reason, says
// so in its log, and answers who only reads; it does not start there, and says why;
// with room it goes on.
func TestB26TheProgramOnAFullDisk(t *testing.T) {
	t.Parallel()
	d := mountDisk(t, "24m")
	w := &world{t: t, data: filepath.Join(d.dir, "data")}
	c := openCentre(t, w.data, nil)
	w.enrol(c)
	w.work()
	w.quiet(c)
	c.close()
	f := &faulty{world: w, shell: newShell(t, w.data)}
	f.server = f.serve()
	d.fill(0)
	for range 3 {
		f.wantRefused(full)
		do(t, w.device.pull(f.server.address, closed()))
	}
	f.server.kill()
	f.wantLogged("outcome=full", "no room left")
	f.fails([]string{"is full", "Make room"}, "serve", "--listen", "127.0.0.1:0")
	d.free()
	f.server = f.serve()
	f.wantGoingOn()
}

const nobody = 65534

// A folder, or a file in it, that cannot be written: the program says so and what to
// do, and has changed nothing; with the rights as they were, nothing is lost.
func TestTheProgramMayNotWrite(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: files that cannot be written; it needs the right to be somebody else")
	}
	w, c := newWorld(t, nil)
	w.work()
	w.quiet(c)
	c.close()
	county := filepath.Base(c.county.Dir)
	for name, row := range map[string]struct {
		path string // in the data folder
		mode os.FileMode
	}{
		"the county's file":      {filepath.Join(county, "shard.db"), 0o400},
		"its lock":               {filepath.Join(county, "shard.db.lock"), 0o400},
		"the county's folder":    {county, 0o500},
		"the data folder itself": {".", 0o500},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, publicCopy(t, w.data))
			s.wrap = func(c *exec.Cmd) {
				c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			do(t, os.Chmod(filepath.Join(s.data, row.path), row.mode))
			s.fails([]string{"may not write", "xunzhen"}, "serve", "--listen", "127.0.0.1:0")
			do(t, os.Chmod(filepath.Join(s.data, row.path), row.mode|0o300))
			s.ok("verify", "--replay")
		})
	}
}

// A disk that is mounted to be read only, as one is after an error.
func TestTheProgramOnAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	d := mountDisk(t, "24m")
	w := &world{t: t, data: filepath.Join(d.dir, "data")}
	c := openCentre(t, w.data, nil)
	w.enrol(c)
	w.work()
	w.quiet(c)
	c.close()
	do(t, syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	s := newShell(t, w.data)
	s.fails([]string{"may not write"}, "serve", "--listen", "127.0.0.1:0")
	s.fails([]string{"may not write"}, "verify", "--replay")
	do(t, syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT, ""))
	s.ok("verify", "--replay")
}

// publicCopy copies a data folder to where nobody can reach it, for nobody.
func publicCopy(t *testing.T, data string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "readonly")
	do(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	do(t, os.Chmod(folder, 0o755))
	out := filepath.Join(folder, "data")
	copyFolder(t, out, data)
	do(t, filepath.WalkDir(out, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	}))
	return out
}
