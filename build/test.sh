#!/usr/bin/env bash
# What `make test`, `make lint`, `make sim` and `make flood` run: all | lint | sim | flood.
# Each step prints its name first and its duration after; the first failure ends the run.
# Needs Go and Node; a missing C compiler (the race detector wants one) is installed where apt and root allow it.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=local

# Packages whose tests run without the race detector: pure-Go SQLite is ten times slower under it, and
# crash tests kill child processes, in which it would see nothing.
NORACE='/(syncengine/sqlitestore(/.*)?|syncengine/devicestore|cmd/.*|.*crash.*)$'

# Packages that measure how long somebody waits: nothing else may run beside them.
ALONE='/server/crash/flood$'

# Tests that live through thousands of counties have steps of their own, most of them without the race detector.
# The simulation repeats the counties that once failed, then draws fresh ones from a seed that it prints: one that
# follows from the engine's sources, so that the same state gives the same run; make sim draws at random.
LONG='^(TestMutantsFallInTheSimulation|TestRestoreThatDiscardsBackupsIsCaught|TestSimulation)$'

# What runs on tablets and clinic computers, and where it must compile.
DEVICE_PACKAGES=(tablet transport syncengine care server/clinic)
DEVICE_TARGETS=(android/arm64 windows/amd64 linux/arm64)

step() {
	local name=$1 began=$SECONDS
	shift
	printf '== %s\n' "$name"
	"$@"
	printf -- '-- %s: %d s\n' "$name" $((SECONDS - began))
}

c_compiler() {
	command -v "$(go env CC)" >/dev/null && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq
		apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
		return
	fi
	echo "the race detector needs a C compiler: install gcc and its C library headers" >&2
	return 1
}

formatted() {
	local wrong
	wrong=$(go tool gofumpt -l .)
	[ -z "$wrong" ] && return
	printf 'not formatted as gofumpt does:\n%s\n' "$wrong" >&2
	return 1
}

devices() {
	local target dir present=()
	for dir in "${DEVICE_PACKAGES[@]}"; do
		[ -d "$dir" ] && present+=("./$dir/...")
	done
	for target in "${DEVICE_TARGETS[@]}"; do
		echo "$target"
		CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go vet "${present[@]}"
	done
}

lint() {
	step 'protobuf tree' build/proto.sh check
	step 'formatting' formatted
	step 'go vet' go vet ./...
	step 'staticcheck' go tool staticcheck ./...
	step 'devices' devices
}

raced() { go list ./... | grep -Ev "$NORACE"; }
unraced() { go list ./... | grep -E "$NORACE" | grep -Ev "$ALONE" || true; }
alone() { go list ./... | grep -E "$ALONE" || true; }

all() {
	step 'C compiler' c_compiler
	lint
	local plain
	plain=$(unraced)
	# Word splitting is wanted: import paths hold no blanks.
	# shellcheck disable=SC2046,SC2086
	if [ -n "$plain" ]; then
		step 'tests without race detector' go test -timeout 30m $plain
	fi
	# shellcheck disable=SC2046
	step 'server under attack' go test -v $(alone)
	step 'wrong rules fall in simulated counties' go test -count=1 -run '^(TestMutantsFallInTheSimulation|TestRestoreThatDiscardsBackupsIsCaught)$' \
		./syncengine ./syncengine/replica ./syncengine/simtest
	step 'simulation' go test -count=1 -timeout 30m -v -run '^TestSimulation$' ./syncengine/simtest -simtime 3m
	step 'simulation with race detector' go test -race -short -count=1 -run '^TestSimulation$' ./syncengine/simtest -sim.master 1
	echo "== tests with race detector (so far $SECONDS s)"
	# shellcheck disable=SC2046
	exec go test -race -timeout 30m -skip "$LONG" $(raced)
}

# flood makes the figures of the server under attack limits.
flood() { exec go test -count=1 -v $(alone) -flood.strict; }

sim() { exec go test -count=1 -timeout 0 -v -run '^TestSimulation$' ./syncengine/simtest -sim.random -simtime "${SIMTIME:-1h}"; }

case "${1:-}" in
all | lint | sim | flood) "$1" ;;
*)
	echo "usage: build/test.sh all | lint | sim | flood" >&2
	exit 2
	;;
esac
