// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const this = "github.com/xunzhen/xunzhen/tablet"

// foreign are types of other packages that may stand in signatures, with reasons.
var foreign = map[string]string{
	"context.Context": "an app passes null and calls Stop",
	"net.Conn":        "only in Dialer, which apps leave null",
	"error":           "every binding knows it",
}

// Mobile bindings know strings, bools, numbers, bytes, pointers to the package's
// structs, and interfaces of the package.
func TestTheSurfaceCanBeBound(t *testing.T) {
	pkg := load(t)
	w := walker{t: t, pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
		case *types.Func:
			w.signature(name, obj.Signature())
		case *types.TypeName:
			w.named(name, obj.Type())
		default:
			t.Errorf("%s: a package variable cannot be bound", name)
		}
	}
	if w.seen < 80 {
		t.Errorf("only %d methods, functions and fields seen: the walk is broken", w.seen)
	}
}

type walker struct {
	t    *testing.T
	pkg  *types.Package
	seen int
}

func (w *walker) named(name string, typ types.Type) {
	n, ok := typ.(*types.Named)
	if !ok || n.TypeParams().Len() > 0 {
		w.t.Errorf("%s: neither an alias nor a generic type can be bound", name)
		return
	}
	switch under := n.Underlying().(type) {
	case *types.Struct:
		for f := range under.Fields() {
			if f.Exported() {
				w.plain(name+"."+f.Name(), f.Type())
			}
		}
		for m := range n.Methods() {
			if m.Exported() {
				w.signature(name+"."+m.Name(), m.Signature())
			}
		}
	case *types.Interface:
		for m := range under.Methods() {
			w.signature(name+"."+m.Name(), m.Signature())
		}
	default:
		w.t.Errorf("%s: only structs and interfaces can be bound", name)
	}
}

func (w *walker) signature(name string, s *types.Signature) {
	if s.Variadic() || s.TypeParams().Len() > 0 {
		w.t.Errorf("%s: variadic or generic", name)
	}
	for v := range s.Params().Variables() {
		w.plain(name, v.Type())
	}
	results := s.Results()
	for v := range results.Variables() {
		w.plain(name, v.Type())
	}
	if results.Len() > 2 || results.Len() == 2 && results.At(1).Type().String() != "error" {
		w.t.Errorf("%s: more results than one and an error", name)
	}
}

// plain refuses what a binding does not know.
func (w *walker) plain(name string, typ types.Type) {
	w.seen++
	if _, ok := foreign[typ.String()]; ok {
		return
	}
	switch t := typ.(type) {
	case *types.Basic:
		if t.Info()&types.IsUnsigned == 0 && t.Info()&types.IsComplex == 0 {
			return
		}
	case *types.Slice:
		if t.Elem().String() == "byte" {
			return
		}
	case *types.Pointer:
		if n, ok := t.Elem().(*types.Named); ok && n.Obj().Pkg() == w.pkg {
			return
		}
	case *types.Named:
		if types.IsInterface(t) && t.Obj().Pkg() == w.pkg {
			return
		}
	}
	w.t.Errorf("%s: %s cannot be bound", name, typ)
}

// load reads the package as the compiler sees it.
func load(t *testing.T) *types.Package {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", this).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	pkg, err := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", strings.TrimSpace(path))
		}
		return os.Open(exports[path])
	}).Import(this)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}
