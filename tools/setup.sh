#!/bin/sh
# setup.sh [build|quick|demo|bench|all]: what `make` (build), `make check` (quick), `make demo`, `make bench`
# and `make check-all` (all) need: packages of Debian, and Go toolchains. Quick when nothing is missing.
set -eu
cd "$(dirname "$0")/.."
what=${1:-quick}

packages="gcc libc6-dev make libzydis-dev libdw-dev libelf-dev libcurl4-openssl-dev libsqlite3-dev zlib1g-dev"
case $what in
build) ;;
demo) packages="$packages ca-certificates curl golang-1.19-go hugo python3 python3-pytest util-linux" ;;
bench) packages="$packages ca-certificates golang-1.19-go hugo util-linux python3 python3-pytest bpftrace delve uftrace" ;;
*) packages="$packages ca-certificates curl golang-1.19-go hugo util-linux python3 python3-jsonschema python3-pytest python3-pytest-xdist check binutils mandoc zsh openssl" ;;
esac
# Programs to try it on. Some packages start a service when they are installed: these are unpacked only.
unpacked=
[ "$what" != all ] || packages="$packages caddy delve esbuild fzf gdb gh libicu72 libxml2 linux-perf musl-tools rclone redis-tools restic" \
	unpacked="docker.io etcd-client etcd-server postgresql-15 prometheus syncthing"
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/goshawk

missing() { # those that are not installed; the order is kept
	for p in $packages; do
		case "$installed" in *" $p "*) ;; *) printf ' %s' "$p" ;; esac
	done
}
look() { # one call for all of them
	installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
		sed -n 's/^installed //p' | tr '\n' ' ')"
}

command -v dpkg-query >/dev/null || {
	echo "setup: this is not Debian; install what these packages of Debian 12 hold, then run make SETUP=no:" >&2
	echo "setup: $packages" >&2
	exit 1
}
look
need=$(missing)
if [ "$need" ]; then
	as_root=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null && as_root="sudo" || {
			echo "setup: missing packages, and no root or sudo to install them. Ask for: apt-get install$need" >&2
			exit 1
		}
	fi
	echo "setup: installing$need" >&2
	install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300"
	# The lists may be missing (a fresh container) or old.
	$install $need </dev/null >/dev/null 2>&1 ||
		{ $as_root apt-get update -qq </dev/null >&2 && $install $need </dev/null >&2; } || true
	look
	need=$(missing)
	[ -z "$need" ] || { echo "setup: could not install$need; see what apt-get says above" >&2; exit 1; }
fi

for p in $unpacked; do
	[ ! -d "$cache/debian/$p" ] || continue
	echo "setup: unpacking $p" >&2
	new=$cache/debian/$p.$$
	(mkdir -p "$new" && cd "$new" && apt-get download -qq "$p" && dpkg-deb -x "$p"_*.deb files) >/dev/null 2>&1 &&
		mv "$new/files" "$cache/debian/$p" ||
		echo "setup: could not get $p: tests that need it are skipped" >&2
	rm -rf "$new"
done

case $what in
quick) wanted=$(sed -n 's/ quick$//p' tools/releases) ;;
all) wanted=$(grep -o '^[0-9.]*' tools/releases) ;;
demo | bench) wanted=$(sed -n '$s/ .*//p' tools/releases) ;;
*) wanted= ;;
esac
for release in $wanted; do
	[ -x "$cache/go/$release/bin/go" ] || echo "$release"
done | xargs -r -n 1 -P 3 tools/go-toolchain.sh >/dev/null	# each verifies and unpacks for a while
