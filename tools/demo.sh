#!/bin/sh
# demo.sh [ACT]: what goshawk does, on programs of ours and on one that nobody here built. `make demo`
# calls it; GOSHAWK is the program. Each act takes seconds. The commands can be typed again by hand.
set -eu
cd "$(dirname "$0")/.."
goshawk=$(realpath "${GOSHAWK:-build/goshawk}")
PATH=$(dirname "$goshawk"):$PATH
stage=$PWD/build/demo
act=${1:-}
case $act in '' | [1-4]) ;; *) echo "demo: acts are 1 to 4" >&2; exit 2 ;; esac
mkdir -p "$stage"

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
run() { printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"; (cd "$stage" && sh -c "$1" 2>&1); }
is() { [ -z "$act" ] || [ "$act" = "$1" ]; }

# build NAME VARIANT [FLAG]: tests/go/NAME by the newest release, as $stage/VARIANT
build() {
	root=$(tools/go-toolchain.sh "$(sed -n '$s/ .*//p' tools/releases)")
	(cd "tests/go/$1" && GOROOT=$root GOTOOLCHAIN=local GOENV=off GOFLAGS=-buildvcs=false CGO_ENABLED=0 \
		"$root/bin/go" build ${3:+"$3"} -o "$stage/$2" .)
}

if is 1; then
	say "Act 1. A small shop: what do its functions get and return, and how long do they take?"
	build shop shop
	run "goshawk funcs ./shop 'main.*'"
	run "goshawk trace 'main.*' '!main.main' -- ./shop"
	say "The same program without symbols and debug information: words instead of names."
	build shop shop-stripped '-ldflags=-s -w'
	run "goshawk trace 'main.*' '!main.main' -- ./shop-stripped"
fi

if is 2; then
	say "Act 2. Nine arguments, structs in registers and on the stack, slices, maps, interfaces."
	build seed seed
	run "goshawk trace --max 19 'main.nine' 'main.row*' -- ./seed values"
	say "Thousands of goroutines, growing stacks, panics, recover, Goexit: how each call ended, counted."
	run "goshawk trace --json -o calls.json 'main.*' -- ./seed panics goroutines
grep -o '\"end\":\"[a-z]*\"' calls.json | sort | uniq -c
tail -n 1 calls.json"
fi

if is 3; then
	say "Act 3. hugo as Debian ships it: cgo, stripped, 53 MB, built by somebody else years ago."
	rm -rf "$stage/site"
	mkdir -p "$stage/site/content" "$stage/site/layouts/_default"
	echo '<h1>{{ .Title }}</h1>{{ .Content }}' >"$stage/site/layouts/_default/single.html"
	echo '{{ range .Site.RegularPages }}{{ .Title }} {{ end }}' >"$stage/site/layouts/index.html"
	printf -- '---\ntitle: Apples\nweight: 3\n---\n## Red ones\n\n**Sweet.**\n' >"$stage/site/content/apples.md"
	printf -- '---\ntitle: Plums\n---\nBlue.\n' >"$stage/site/content/plums.md"
	printf 'baseURL = "https://example.org/"\ntitle = "Harvest"\ndisableKinds = ["taxonomy", "term", "RSS", "sitemap"]\n' \
		>"$stage/site/config.toml"
	run "goshawk info /usr/bin/hugo"
	run "goshawk trace --depth-of-values 1 --strings 40 '*/metadecoders.Decoder.*' '*.(*goldmarkConverter).Parse' \\
    '*.(*idFactory).Generate' os.OpenFile -- hugo --quiet --source site --destination out"
	run "cat site/out/apples/index.html"
fi

if is 4; then
	say "Act 4. What would be done, without doing it; and what this machine permits."
	[ -x "$stage/shop" ] || build shop shop
	run "goshawk trace --plan main.discount -- ./shop | head -n 40"
	run "goshawk doctor"
fi
