#!/usr/bin/env bash
# The protobuf tree: generate | freeze | check.
# Run from anywhere; needs Go and Node, and fetches the pinned buf once.
set -euo pipefail
cd "$(dirname "$0")/.."

IMAGE=proto/image.binpb
BUF=node_modules/.bin/buf

need_buf() {
	if [ ! -x "$BUF" ] || [ node_modules/.package-lock.json -ot package-lock.json ]; then
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	fi
}

# generate DIR: writes DIR/api, and drops generated files whose source is gone.
generate() {
	find "$1/api" -name '*.pb.go' -delete 2>/dev/null || true
	"$BUF" generate --output "$1"
}

check() {
	"$BUF" lint
	"$BUF" format --diff --exit-code proto
	"$BUF" breaking --against "$IMAGE"
	local fresh
	fresh=$(mktemp -d)
	trap 'rm -rf "$fresh"' RETURN
	generate "$fresh"
	if ! diff -ru "$fresh/api" api; then
		echo "api/ is not what proto/ generates: run 'make proto' and commit the result" >&2
		return 1
	fi
}

need_buf
case "${1:-}" in
generate)
	"$BUF" format --write proto
	generate .
	;;
freeze) "$BUF" build --exclude-source-info --output "$IMAGE" ;;
check) check ;;
*)
	echo "usage: build/proto.sh generate | freeze | check" >&2
	exit 2
	;;
esac
