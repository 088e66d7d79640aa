#!/bin/sh
# demo.sh [ACT]: what goshawk does, on programs of ours and on one that nobody here built. `make demo`
# calls it; GOSHAWK is the program. Each act takes seconds. The commands can be typed again by hand.
set -eu
cd "$(dirname "$0")/.."
goshawk=$(realpath "${GOSHAWK:-build/goshawk}")
PATH=$(dirname "$goshawk"):$PATH
stage=$PWD/build/demo
act=${1:-}
case $act in '' | [1-8]) ;; *) echo "demo: acts are 1 to 8" >&2; exit 2 ;; esac
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

# service KIND: a -race build whose runtime a tool has changed (tests/go/newproc), as $stage/KIND
service() {
	made=$(cd tests && "${PYTHON:-/usr/bin/python3}" -c \
		"import gobuild, overlay; print(overlay.newproc(gobuild.NEWEST, '$1', '-race'))")
	ln -sf "$made" "$stage/$1"
}

# site: pages for hugo, from scratch
site() {
	rm -rf "$stage/site"
	mkdir -p "$stage/site/content" "$stage/site/layouts/_default"
	echo '<h1>{{ .Title }}</h1>{{ .Content }}' >"$stage/site/layouts/_default/single.html"
	echo '{{ range .Site.RegularPages }}{{ .Title }} {{ end }}' >"$stage/site/layouts/index.html"
	printf -- '---\ntitle: Apples\nweight: 3\n---\n## Red ones\n\n**Sweet.**\n' >"$stage/site/content/apples.md"
	printf -- '---\ntitle: Plums\n---\nBlue.\n' >"$stage/site/content/plums.md"
	printf 'baseURL = "https://example.org/"\ntitle = "Harvest"\ndisableKinds = ["taxonomy", "term", "RSS", "sitemap"]\n' \
		>"$stage/site/config.toml"
}

# serve: hugo serves it at $url, as process $server; pages are asked for, over and over, by $client
server='' client=''
serve() {
	site
	trap stop EXIT
	trap 'exit 130' HUP INT TERM
	(cd "$stage" && exec hugo server --source site --watch=false --disableLiveReload) >"$stage/server.log" 2>&1 &
	server=$!
	url=
	until [ "$url" ]; do # it takes a port that is free, and says which
		kill -0 $server 2>/dev/null || { cat "$stage/server.log" >&2; exit 1; }
		sleep 0.1
		url=$(sed -n 's|.*available at http://[^:]*\(:[0-9]*/\).*|http://127.0.0.1\1|p' "$stage/server.log")
	done
	while fetch '' apples/ pears/ plums/; do :; done >"$stage/answers" 2>&1 &
	client=$!
}
# web: ./web serves at $port under goshawk, as process $server, until unweb
web() {
	rm -f "$stage"/shop.db* "$stage/in"
	mkfifo "$stage/in"
	(cd "$stage" && exec goshawk spans --store shop.db --func main.load -- ./web <in) >"$stage/server.log" 2>&1 &
	server=$!
	trap stop EXIT
	exec 9>"$stage/in"
	port=
	until [ "$port" ]; do
		kill -0 $server 2>/dev/null || { cat "$stage/server.log" >&2; exit 1; }
		sleep 0.1
		port=$(sed -n 's/^ready [0-9]* //p' "$stage/server.log")
	done
}
unweb() {
	exec 9>&-
	wait $server
	server=
}
fetch() { # PAGE…: a line for each, its status
	for page; do
		curl -s --noproxy '*' --max-time 5 -o /dev/null -w "%{http_code} /$page\n" "$url$page" ||
			echo "no answer: /$page"
	done
}
stop() {
	[ -z "$client" ] || { kill $client && wait $client || :; } 2>/dev/null
	client=
	[ -z "$server" ] || { kill $server && wait $server || :; } 2>/dev/null
	server=
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
	site
	run "goshawk info /usr/bin/hugo"
	run "goshawk trace --depth-of-values 1 --strings 40 '*/metadecoders.Decoder.*' '*.(*goldmarkConverter).Parse' \\
    '*.(*idFactory).Generate' os.OpenFile -- hugo --quiet --source site --destination out"
	run "cat site/out/apples/index.html"
fi

if is 4; then
	say "Act 4. 'Some pages are missing and it is slow.' hugo serves the site and is asked for pages; nobody restarts it."
	serve
	if run "goshawk trace --max 1 --stack --if 'arg0 >= 400' --show 'arg0, recv.req.URL.Path, recv.req.Header' \\
    -p $server 'net/http.(*response).WriteHeader'"; then
		run "goshawk trace --summary --for 2s -o table.txt -p $server net/http/... os/... '*hugo*'; head -n 12 table.txt"
		run "goshawk trace --hist duration --by arg1.URL.Path --for 1s -p $server net/http.serverHandler.ServeHTTP"
		run "goshawk trace --graph --depth-of-values 0 --max 6 -p $server net/http.serverHandler.ServeHTTP \\
    '*.(*fileHandler).ServeHTTP' '*fileServer*' '*filesOnlyFs*' net/http.serveContent"
		say "Gone again, and the server has not noticed: each page as often as the others, pears were never there."
		run "goshawk detach -p $server"
		kill $client
		wait $client 2>/dev/null || :
		client=
		run "sort answers | uniq -c"
		fetch apples/
	else
		say "Tracing a process that runs is not permitted here: act 8 says what would permit it."
	fi
	stop
fi

if is 5; then
	say "Act 5. 'It dies in the collector once a month.' Several goroutines share a string; alone, the program lives."
	build racing racing
	run "timeout 5 ./racing string none 3"
	run "goshawk stress --list ./racing 'main.(*object).*'"
	run "goshawk stress --until-crash 'main.*' -- ./racing string || [ \$? = 1 ]"
fi

if is 6; then
	say "Act 6. 'Since a tool instruments it, it dies in C code that nobody wrote, but only when built with -race.'"
	service instrumented
	run "goshawk check ./instrumented || [ \$? = 1 ]"
	run "goshawk explain -o why.txt -- ./instrumented 2>crash.txt || cat why.txt"
	say "The method gets //go:norace, and no map is touched there."
	service cured
	run "goshawk check ./cured && ./cured"
	say "What a debugger would have shown: newproc still has a race context, newproc1, on g0, has none."
	run "goshawk trace --entry --show g.racectx --max 6 runtime.newproc runtime.newproc1 -- ./cured"
fi

if is 7; then
	say "Act 7. OpenTelemetry spans, and nobody rebuilds anything: a handler starts a goroutine, which calls a function and asks
a server. goshawk writes a traceparent header into what is sent, so whoever serves it knows who asked."
	build spans-web web
	run "goshawk spans --func main.load --show id,level -- ./web /order/7"
	say "Two processes, each under a goshawk of its own, and one store. One asks, the other serves; that is one trace."
	build asking asking
	web
	run "echo get /fan/7 | goshawk spans --store shop.db -- ./asking http://127.0.0.1:$port"
	unweb
	run "goshawk spans --read shop.db"
	run "goshawk spans --read shop.db --trace \$(goshawk spans --read shop.db --json | sed -n 's/.*\"trace_id\":\"\([0-9a-f]*\).*/\1/p' | head -n 1)"
	say "The same of hugo, which serves its site and is asked for pages."
	serve
	run "goshawk spans --for 1s -p $server 2>&1 | head -n 12" || :
	stop
fi

if is 8; then
	say "Act 8. What would be done, without doing it; and what this machine permits."
	[ -x "$stage/shop" ] || build shop shop
	run "goshawk trace --plan main.discount -- ./shop | head -n 40"
	run "goshawk doctor"
fi
