// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

const debFolder = "../../build/deb"

func packaged(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(debFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// settings reads a unit file: section and key to values, in order.
func settings(t *testing.T, text string) map[string][]string {
	t.Helper()
	out, section := map[string][]string{}, ""
	for scan := bufio.NewScanner(strings.NewReader(text)); scan.Scan(); {
		line := strings.TrimSpace(scan.Text())
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		case !ok:
			t.Errorf("not a setting: %q", line)
		default:
			out[section+"."+key] = append(out[section+"."+key], value)
		}
	}
	return out
}

func TestTheServiceIsShutIn(t *testing.T) {
	unit := settings(t, packaged(t, "xunzhen.service"))
	for key, want := range map[string]string{
		"Service.Type": "notify", "Service.User": "xunzhen", "Service.ExecStart": "/usr/bin/xunzhen serve",
		"Service.EnvironmentFile": "/etc/default/xunzhen", "Service.StateDirectory": "xunzhen", "Service.StateDirectoryMode": "0700",
		"Service.UMask": "0077", "Service.ProtectSystem": "strict", "Service.NoNewPrivileges": "yes", "Service.CapabilityBoundingSet": "",
		"Service.ProtectHome": "yes", "Service.MemoryDenyWriteExecute": "yes", "Service.RestrictNamespaces": "yes",
		"Service.MemoryMax": "600M", "Service.TimeoutStopSec": "45s", "Install.WantedBy": "multi-user.target",
	} {
		if got := unit[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if !slices.Contains(unit["Service.Environment"], dataVariable+"=/var/lib/xunzhen") {
		t.Errorf("data folder: %q", unit["Service.Environment"])
	}
	if err := parses(t, "serve"); err != nil {
		t.Errorf("what it starts: %v", err)
	}
}

// systemd itself reads the unit, where it is there.
func TestSystemdTakesTheUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "xunzhen.service")
	text := strings.Replace(packaged(t, "xunzhen.service"), "/usr/bin/xunzhen", self, 1)
	text = strings.Replace(text, "man:xunzhen(1) ", "", 1) // not installed
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", file).CombinedOutput()
	if err != nil || strings.Contains(string(out), "xunzhen.service") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), tool, "security", "--offline=true", "--threshold=20", file).CombinedOutput()
	if err != nil {
		t.Errorf("exposed more than 2.0 of 10: %v\n%s", err, out)
	}
}

// A setting of the service is the variable of a flag.
func TestSettingsOfTheServiceAreThere(t *testing.T) {
	_, serve := commandNamed(t, words.English, "serve")
	known := map[string]bool{}
	for _, f := range serve.Flags {
		known[variableOf(serve, f)] = true
	}
	found := regexp.MustCompile(`(?m)^#?(XUNZHEN_[A-Z_]+)=(.*)$`).FindAllStringSubmatch(packaged(t, "xunzhen.default"), -1)
	if len(found) < 4 {
		t.Fatalf("%d settings", len(found))
	}
	for _, m := range found {
		if !known[m[1]] {
			t.Errorf("%s is no flag of serve", m[1])
		}
	}
}

func TestTheManualTellsOfEveryCommandAndFlag(t *testing.T) {
	s := newShell(t)
	for _, lang := range []string{"en", "zh"} {
		page := s.ok("manual", "--lang", lang)
		for _, command := range commands(t) {
			if name := strings.Join(command, " "); name != "" && !strings.Contains(page, ".SS xunzhen "+roff(name)+"\n") {
				t.Errorf("%s: nothing of %s", lang, name)
			}
		}
		for _, flag := range []string{"--listen=HOST:PORT", "--operate=HOST:PORT", "--replay"} {
			if !strings.Contains(page, ".B "+roff(flag)+"\n") {
				t.Errorf("%s: nothing of %s", lang, flag)
			}
		}
		if strings.Contains(page, "help_") || strings.Contains(page, "manual_") {
			t.Errorf("%s: a text is missing", lang)
		}
		if lang == "en" {
			typeset(t, page)
		}
	}
}

// typeset has groff read a page, where it is there.
func typeset(t *testing.T, page string) {
	t.Helper()
	tool, err := exec.LookPath("groff")
	if err != nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), tool, "-Kutf8", "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

// The package is put together around a stand-in for the program: that is built by
// `make deb` alone.
func TestThePackageHasWhatItShould(t *testing.T) {
	tool, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("no dpkg-deb here")
	}
	first, second := makePackage(t), makePackage(t)
	one, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(second); err != nil || !bytes.Equal(one, again) {
		t.Errorf("the same made twice is not the same: %v", err)
	}
	list, err := exec.CommandContext(t.Context(), tool, "--contents", first).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`-rwxr-xr-x root/root +\d+ .* \./usr/bin/xunzhen`, `-rwxr-xr-x root/root +\d+ .* \./usr/sbin/xunzhen-office`,
		`-rw-r--r-- root/root +\d+ .* \./lib/systemd/system/xunzhen\.service`, `-rw-r--r-- root/root +\d+ .* \./usr/lib/sysusers\.d/xunzhen\.conf`,
		`-rw-r--r-- root/root +\d+ .* \./etc/default/xunzhen`, `-rw-r--r-- root/root +\d+ .* \./usr/share/man/man1/xunzhen\.1\.gz`,
		`-rw-r--r-- root/root +\d+ .* \./usr/share/man/zh_CN/man1/xunzhen\.1\.gz`, `-rw-r--r-- root/root +\d+ .* \./usr/share/doc/xunzhen/operate\.md`,
		`-rw-r--r-- root/root +\d+ .* \./usr/share/doc/xunzhen/rules\.zh\.md`, `-rw-r--r-- root/root +\d+ .* \./usr/share/doc/xunzhen/kinds/en/resident\.md`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).Match(list) {
			t.Errorf("nothing like %s in\n%s", want, list)
		}
	}
	if owners := regexp.MustCompile(`(?m)^\S+ (\S+)`).FindAllStringSubmatch(string(list), -1); len(owners) < 15 {
		t.Errorf("%d entries", len(owners))
	}
	about, err := exec.CommandContext(t.Context(), tool, "--info", first).Output()
	if err != nil || !strings.Contains(string(about), "Version: 1.2.3") || !strings.Contains(string(about), "conffiles") {
		t.Errorf("%v\n%s", err, about)
	}
}

// makePackage runs what `make deb` runs and returns the file.
func makePackage(t *testing.T) string {
	t.Helper()
	dir, s := t.TempDir(), newShell(t)
	files := map[string]string{"xunzhen": "#!/bin/sh\n"}
	for _, lang := range []string{"en", "zh"} {
		files["xunzhen."+lang+".1"] = s.ok("manual", "--lang", lang)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "../../build/deb.sh")
	cmd.Env = append(os.Environ(), "BINARY="+filepath.Join(dir, "xunzhen"), "MANUALS="+dir, "OUT="+dir, "VERSION=1.2.3", "ARCH=amd64", "SOURCE_DATE_EPOCH=1767225600")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("deb.sh: %v\n%s", err, out)
	}
	return filepath.Join(dir, "xunzhen_1.2.3_amd64.deb")
}

// The scripts of the package are read by the shell that runs them.
func TestScriptsOfThePackageAreRead(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here")
	}
	for _, name := range []string{"postinst", "prerm", "postrm", "xunzhen-office"} {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", filepath.Join(debFolder, name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
