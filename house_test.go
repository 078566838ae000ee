// SPDX-License-Identifier: Apache-2.0

// Package xunzhen_test keeps the house's plan: which package may import which, and why not the others.
// Arrows go down only: cmd → server → syncengine → record → causal.
package xunzhen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/xunzhen/xunzhen"

// A room is a folder, with the packages under it, and the packages of this module that it may import: one by name, or
// a folder with all below it as "folder/...". The room of a package is the one with the longest prefix; a room imports
// itself freely.
type room struct {
	prefix string
	may    []string
	why    string
}

var (
	merge  = []string{"syncengine/causal", "syncengine/record"}
	codecs = append([]string{"syncengine/segment", "syncengine/ledger", "api/xunzhen/sync/v1"}, merge...)
	engine = append([]string{"syncengine", "syncengine/session"}, codecs...)
	above  = []string{"api/...", "syncengine/...", "care/...", "transport", "transport/remote"}
)

var rooms = []room{
	{"api/xunzhen/schema", nil, "the schema options stand below every message"},
	{"api/xunzhen/sync", []string{"api/xunzhen/schema/..."}, "what the engine obeys must not depend on what doctors record"},
	{"api/xunzhen/care", []string{"api/xunzhen/schema/..."}, "forms know nothing of how they travel"},
	{"api/xunzhen/office", []string{"api/..."}, "generated code imports generated code only"},

	{"syncengine/causal", nil, "the bottom of the house: dots and histories are pure"},
	{"syncengine/record", []string{"syncengine/causal"}, "merging is pure: no wire type, no store, no form reaches it"},
	{"syncengine/segment", codecs, "a codec knows revisions and bytes, no engine and no store"},
	{"syncengine/ledger", codecs, "leaves name segments; the ledger knows no engine and no store"},
	{"syncengine/evidence", codecs, "a proof is checked without engine, store or network"},
	{"syncengine", append([]string{"syncengine/evidence"}, codecs...), "the engine knows its port, not the stores behind it, and no care"},
	{"syncengine/memstore", engine, "a store keeps bytes: it knows no care and no other store"},
	{"syncengine/sqlitestore", engine, "a store keeps bytes: it knows no care and no other store"},
	{"syncengine/pgstore", engine, "a store keeps bytes: it knows no care and no other store"},
	{"syncengine/storetest", engine, "the contract must not know who fulfils it"},
	{"syncengine/backup", engine, "a backup reads an engine and a folder: it knows neither the stores nor who calls"},
	{"syncengine/replica", append([]string{"syncengine/evidence"}, engine...), "the other half of the engine runs over any store and any wire"},
	{"syncengine/devicestore", append([]string{"syncengine/replica", "syncengine/sqlitestore/sqlitefile"}, engine...), "a device's store keeps sealed bytes: it knows no care and no keys"},
	{"syncengine/bundle", append([]string{"syncengine/session/sessionwire"}, engine...), "a file format: it knows what is said, and neither who says it nor where it is kept"},
	{"syncengine/simtest", []string{"syncengine/...", "api/xunzhen/sync/v1"}, "a simulated county needs no clinic: its forms are bytes"},

	{"transport", []string{"api/...", "syncengine/session", "syncengine/segment"}, "what both ends of a connection agree on has no service and no engine"},
	{"transport/remote", []string{"api/...", "syncengine/session/...", "syncengine/segment", "transport"}, "the centre as its callers see it: tablets and hubs alike, and no store"},
	{"care", append([]string{"care/hanzi", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "forms, rules and indicators run on tablets and in tests without an engine"},
	{"care/rules", append([]string{"care", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "rules are evaluated on tablets, on the server and in tests: from forms, without an engine"},
	{"care/indicators", append([]string{"care", "care/rules", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "what a county is assessed by is counted from forms alone, anywhere"},
	{"care/authenticity", append([]string{"care", "care/rules"}, append([]string{"api/xunzhen/care/v1"}, merge...)...), "what makes a record doubtful follows from forms and how they came, anywhere"},
	{"care/authenticity/trial", append([]string{"care", "care/rules", "care/authenticity", "api/xunzhen/care/v1"}, merge...), "invented doctors are forms: nothing that serves people knows them"},
	{"care/supervision", append([]string{"care", "care/rules", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "draws, call sheets and rates follow from records, for whoever repeats them"},
	{"care/quota", append([]string{"care", "api/xunzhen/care/v1"}, merge...), "a division of a task is arithmetic"},
	{"care/export", append([]string{"care", "care/rules", "care/indicators", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "a table's rows follow from forms; where they go is not its business"},
	{"care/rulepack", []string{"care/rules"}, "a pack is data: the package only holds it"},
	{"care/export", append([]string{"care", "care/indicators", "care/rules", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "tables and bundles are made of forms and figures that are handed in"},
	{"care/manual", []string{"api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, "what people read is made from descriptors and a pack that it is handed"},
	{"care/hanzi", nil, "a table of characters knows nothing of who is compared by it"},
	{"care/sheets", nil, "a reader of files knows no form"},
	{"care/intake", append([]string{"care", "care/hanzi", "care/sheets", "api/xunzhen/care/v1", "api/xunzhen/schema/v1"}, merge...), "rows become forms without an engine"},
	{"server", above, "the server is below the commands and beside the tablet"},
	{"server/metrics", append([]string{"server/..."}, above...), "figures are read off a server that knows nothing of them"},
	{"server/operate", []string{"server/admission"}, "the listener answers with what it is handed"},
	{"server/hub", append([]string{"server/auth"}, above...), "a hub answers as a server and asks as a device: of the server it needs the key files only"},
	{"server/clinic", append([]string{"server", "server/hub"}, above...), "an app that is a hub links the server; one that is a tablet does not"},
	{"server/e2e", append([]string{"server/...", "tablet/..."}, above...), "tests of both ends stand where both may be seen, and nothing imports them"},
	{"tablet", above, "an app links the tablet: the server must not come with it"},
	{"cmd", append([]string{"server/...", "tablet/..."}, above...), "commands stand on top; nothing imports them"},
}

// A ban keeps packages outside this module away from a folder, however long the way there.
type ban struct {
	prefix string
	except string
	reach  []string
	why    string
}

var bans = []ban{
	{"api", "grpc", []string{"google.golang.org/grpc"}, "messages are linked by apps that bring their own transport"},
	{"syncengine", "", []string{"google.golang.org/grpc"}, "transport codes stay out of the domain"},
	{"care", "", []string{"google.golang.org/grpc", "database/sql", "modernc.org/sqlite"}, "forms and rules run anywhere: no wire, no database"},
	{"syncengine", "", []string{"github.com/prometheus"}, "who counts is handed in"},
	{"server", "metrics", []string{"github.com/prometheus"}, "who counts is handed in"},
	{"tablet", "", []string{"github.com/prometheus"}, "an app is nobody's server"},
	{"syncengine/causal", "", []string{"google.golang.org", "golang.org"}, "standard library only"},
	{"syncengine/record", "", []string{"google.golang.org/grpc", "database/sql"}, "merging is pure"},
}

// What has no place in a pure package: imports, and calls that reach for the clock or the logger.
var (
	pure = []string{
		"syncengine/causal", "syncengine/record", "syncengine/segment", "syncengine/evidence", "care", "care/rules", "care/indicators", "care/authenticity", "care/supervision", "care/quota",
		"care/rulepack", "care/manual", "care/hanzi", "care/sheets", "care/intake", "care/export", "care/export/fhir",
	}
	unpure  = []string{"os", "net", "log", "math/rand", "math/rand/v2", "database/sql"}
	ambient = []string{
		"time.Now(", "time.Since(", "time.Until(", "time.Sleep(", "time.After(", "time.NewTimer(",
		"slog.Default(", "slog.Info(", "slog.Warn(", "slog.Error(",
	}
)

// Names that say nothing of what a package is about.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "misc"}

type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func (p goPackage) folder() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func TestPackagesImportOnlyWhatTheirRoomAllows(t *testing.T) {
	for _, p := range packages(t) {
		if p.folder() == "" {
			continue
		}
		r, ok := roomOf(p.folder())
		if !ok {
			t.Errorf("%s stands in no room: add a row that says what it may import, and why", p.folder())
			continue
		}
		for _, imported := range p.Imports {
			folder, ours := strings.CutPrefix(imported, module+"/")
			if ours && !r.allows(folder) {
				t.Errorf("%s imports %s: %s", p.folder(), folder, r.why)
			}
		}
	}
}

func TestPackagesDoNotReachWhatIsBanned(t *testing.T) {
	for _, p := range packages(t) {
		for _, b := range bans {
			if !under(p.folder(), b.prefix) || b.except != "" && strings.HasSuffix(p.folder(), b.except) {
				continue
			}
			for _, dep := range p.Deps {
				if slices.ContainsFunc(b.reach, func(banned string) bool { return under(dep, banned) }) {
					t.Errorf("%s reaches %s: %s", p.folder(), dep, b.why)
				}
			}
		}
	}
}

func TestPurePackagesHaveNoClockDiskNetworkOrLogger(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.folder()) {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(unpure, imported) {
				t.Errorf("%s imports %s: it is handed what it needs", p.folder(), imported)
			}
		}
		for _, file := range p.GoFiles {
			source, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range ambient {
				if bytes.Contains(source, []byte(call)) {
					t.Errorf("%s/%s has %s): clock and logger are handed in", p.folder(), file, call)
				}
			}
		}
	}
}

func TestNoPackageIsARoomForEverything(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(nameless, path.Base(p.ImportPath)) {
			t.Errorf("%s: name the package for what it is about", p.folder())
		}
	}
}

func roomOf(folder string) (room, bool) {
	var best room
	for _, r := range rooms {
		if under(folder, r.prefix) && len(r.prefix) > len(best.prefix) {
			best = r
		}
	}
	return best, best.prefix != ""
}

// allows reports whether packages of r may import the package in folder.
func (r room) allows(folder string) bool {
	if own, _ := roomOf(folder); own.prefix == r.prefix {
		return true
	}
	return slices.ContainsFunc(r.may, func(named string) bool {
		if tree, ok := strings.CutSuffix(named, "/..."); ok {
			return under(folder, tree)
		}
		return folder == named
	})
}

// under reports whether name is prefix or lies below it.
func under(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}

// packages lists the packages of this module, without their tests.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, p)
	}
}
