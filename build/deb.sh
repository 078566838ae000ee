#!/usr/bin/env bash
# What `make deb` runs: builds dist/xunzhen_VERSION_ARCH.deb. The same commit gives the same bytes.
#   ARCH     amd64 (default) or arm64
#   VERSION  default: the tag of the commit, else 0.0 with its date and name
#   BINARY, MANUALS, OUT  a program, a folder with manual pages, and a folder for the result, where they are not to be made here
# Needs dpkg-deb and Go. Without dpkg-deb it says so.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=local CGO_ENABLED=0 LC_ALL=C TZ=UTC
umask 022

ARCH=${ARCH:-amd64}
OUT=${OUT:-dist}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
command -v dpkg-deb >/dev/null || { echo 'dpkg-deb is needed: a Debian or Ubuntu machine has it' >&2; exit 1; }

version() {
	local tag
	if tag=$(git describe --tags --exact-match 2>/dev/null); then
		echo "${tag#v}"
	else
		echo "0.0~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M).$(git rev-parse --short=10 HEAD)"
	fi
}
VERSION=${VERSION:-$(version)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

program() {
	if [ -n "${BINARY:-}" ]; then
		cp "$BINARY" "$work/xunzhen"
	else
		GOARCH=$ARCH go build -trimpath -buildvcs=true -ldflags='-s -w -buildid=' -o "$work/xunzhen" ./cmd/xunzhen
	fi
}

# manual LANGUAGE: the manual page, of the program itself.
manual() {
	if [ -n "${MANUALS:-}" ]; then
		cat "$MANUALS/xunzhen.$1.1"
	else
		GOARCH= go run ./cmd/xunzhen manual --lang "$1"
	fi
}

# put MODE FILE TARGET
put() { install -D -m "$1" "$2" "$root$3"; }

# packed TARGET: standard input, packed, as a file.
packed() { mkdir -p "$root$(dirname "$1")" && gzip -9n >"$root$1" && chmod 0644 "$root$1"; }

contents() {
	local at=build/deb doc=/usr/share/doc/xunzhen page
	put 0755 "$work/xunzhen" /usr/bin/xunzhen
	put 0755 $at/xunzhen-office /usr/sbin/xunzhen-office
	put 0644 $at/xunzhen.service /lib/systemd/system/xunzhen.service
	put 0644 $at/xunzhen.sysusers /usr/lib/sysusers.d/xunzhen.conf
	put 0644 $at/xunzhen.default /etc/default/xunzhen
	put 0644 $at/copyright $doc/copyright
	put 0644 docs/operate.md $doc/operate.md
	put 0644 docs/operate.zh.md $doc/operate.zh.md
	for page in docs/rules.*.md docs/kinds/README.md docs/kinds/*/*.md; do put 0644 "$page" "$doc/${page#docs/}"; done
	changelog | packed $doc/changelog.gz
	manual en | packed /usr/share/man/man1/xunzhen.1.gz
	manual zh | packed /usr/share/man/zh_CN/man1/xunzhen.1.gz
	packed /usr/share/man/man8/xunzhen-office.8.gz <$at/xunzhen-office.8
}

changelog() {
	printf 'xunzhen (%s) stable; urgency=medium\n\n  * Built from one commit; what changed stands in its history.\n\n' "$VERSION"
	printf ' -- The Xunzhen authors <xunzhen@localhost>  %s\n' "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

control() {
	mkdir -p "$root/DEBIAN"
	cat >"$root/DEBIAN/control" <<-END
		Package: xunzhen
		Version: $VERSION
		Architecture: $ARCH
		Maintainer: The Xunzhen authors <xunzhen@localhost>
		Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
		Depends: systemd | adduser, util-linux
		Section: misc
		Priority: optional
		Description: records of primary care in the field, brought together without loss
		 The server of a county: family doctors capture records on tablets that are
		 offline for hours or weeks; everything they save is merged, signed and kept in
		 a ledger that anybody can check later. One program with an embedded store.
	END
	echo /etc/default/xunzhen >"$root/DEBIAN/conffiles"
	for script in postinst prerm postrm; do install -m 0755 "build/deb/$script" "$root/DEBIAN/$script"; done
	(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
}

program
contents
control
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$OUT"
result=$OUT/xunzhen_${VERSION}_$ARCH.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$result"
if command -v lintian >/dev/null; then lintian --fail-on error "$result"; fi
