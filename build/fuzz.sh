#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other, for FUZZTIME each.
# An input that fails is left in the package's testdata/fuzz: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

go list -f '{{$dir := .Dir}}{{range .TestGoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}' ./... |
	xargs -r grep -H -o -E '^func Fuzz[A-Za-z0-9_]+' |
	while IFS=: read -r file target; do
		target=${target#func }
		echo "== $target in ${file#"$PWD"/}"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 2s "$(dirname "$file")"
	done
