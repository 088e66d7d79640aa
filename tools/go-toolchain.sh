#!/bin/sh
# go-toolchain.sh RELEASE (such as 1.27.4): prints the GOROOT of that Go release.
# go-toolchain.sh any: of whichever Go is installed.
#
# An installed Go of that release is used as it is. Any other is downloaded, by whichever Go there
# is, as the module golang.org/toolchain, whose checksum Go verifies. It is kept outside the module
# cache: Go refuses -overlay of files that lie there (1.25 and later), and 1.19 cannot build from there.
#
# Use it with GOTOOLCHAIN=local GOENV=off GOFLAGS= : a user's GOFLAGS may name flags that an old
# release does not know, and an empty GOFLAGS alone would fall back to the user's settings file.
set -eu
umask 022

release=$1
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/goshawk/go
root=$cache/$release

ok() { [ -x "$1/bin/go" ] && [ -d "$1/src/runtime" ]; }
ok "$root" && { echo "$root"; exit; }

downloader=
for go in $(command -v go || true) /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
	[ -x "$go" ] || continue
	set -- $(cd / && GOTOOLCHAIN=local GOENV=off GOFLAGS= "$go" env GOVERSION GOROOT) || continue
	[ "$1" = "go$release" ] && ok "$2" && { echo "$2"; exit; }
	downloader=${downloader:-$go}
done
[ "$downloader" ] || { echo "go-toolchain: no Go is installed: apt-get install golang-1.19-go" >&2; exit 1; }
[ "$release" != any ] || { GOTOOLCHAIN=local GOENV=off GOFLAGS= "$downloader" env GOROOT; exit; }
[ "${SETUP:-}" != no ] || { echo "go-toolchain: Go $release is not here, and SETUP=no forbids to download it" >&2; exit 1; }

mkdir -p "$cache"
exec 9>"$cache/$release.lock"
flock 9
ok "$root" && { echo "$root"; exit; }	# somebody else made it meanwhile

echo "downloading Go $release" >&2
temp=$cache/.$release.new
module=golang.org/toolchain@v0.0.1-go$release.linux-amd64
[ ! -d "$temp" ] || { chmod -R u+w "$temp"; rm -rf "$temp"; }	# of a run that was killed
mkdir -p "$temp/empty"
# The user's proxy and checksum settings count; GOFLAGS and an unknown GOTOOLCHAIN do not.
if ! (cd "$temp/empty" && GOTOOLCHAIN=local GOFLAGS=-modcacherw GO111MODULE=on GOPATH=$temp/gopath \
	GOMODCACHE=$temp/cache "$downloader" mod download -json "$module" >"$temp/said" 2>&1); then
	cat "$temp/said" >&2
	echo "go-toolchain: cannot download $module" >&2
	exit 1
fi
new=$temp/cache/$module
chmod -R u+w "$new"
chmod +x "$new"/bin/* "$new"/pkg/tool/linux_amd64/*	# files come out of a module without run bits
GOTOOLCHAIN=local GOENV=off GOFLAGS= GOROOT=$new "$new/bin/go" version >&2
rm -rf "$root"
mv "$new" "$root"
rm -rf "$temp"
echo "$root"
