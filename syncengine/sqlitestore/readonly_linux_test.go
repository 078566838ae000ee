// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

const nobody = 65534

// TestFileThatCannotBeWritten has a child open it, because root may write
// everything.
func TestFileThatCannotBeWritten(t *testing.T) {
	folder := publicFolder(t)
	program := filepath.Join(folder, "test")
	copyFile(t, os.Args[0], program)
	path := filepath.Join(folder, "shard.db")
	closed(t, path)
	must(t, os.Chmod(program, 0o755), os.Chmod(path, 0o444), os.Chmod(path+".lock", 0o666))

	says := func() string {
		child := exec.Command(program, "-test.run=^TestOpenChild$")
		child.Env, child.Dir = append(os.Environ(), "OPEN_PATH="+path), folder
		if os.Geteuid() == 0 {
			child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, err := child.CombinedOutput()
		if err == nil {
			t.Error("the file was opened")
		}
		return string(out)
	}
	if out := says(); !strings.Contains(out, sqlitestore.ErrReadOnly.Error()) {
		t.Errorf("a file without write permission: %s", out)
	}
	must(t, os.Chmod(path, 0o666), os.Chmod(path+".lock", 0o444))
	if out := says(); !strings.Contains(out, sqlitestore.ErrReadOnly.Error()) {
		t.Errorf("a lock file without write permission: %s", out)
	}
}

// publicFolder returns a new folder that every user may read.
func publicFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "readonly")
	must(t, err, os.Chmod(folder, 0o755))
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	return folder
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.Create(to)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, err, out.Close())
}
