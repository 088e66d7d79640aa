#!/bin/sh
# lint.sh FLAGS: what the compiler does not see. FLAGS are those that the Makefile compiles with.
# House rules first (grep), then each analyser that is installed. Ends with 1 if one has something to say.
cd "$(dirname "$0")/.." || exit
flags=$1
bad=0

# rule WHAT FILES… -- PATTERN: nothing in FILES may match
rule() {
	what=$1
	pattern=$2
	shift 2
	grep -nE "$pattern" "$@" /dev/null && { echo "lint: $what"; bad=1; }
}
sources=$(git ls-files -co --exclude-standard 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.c' 'tools/*.c' 'bench/*.[ch]')
outside_base=$(echo "$sources" | grep '^src/' | grep -v '^src/base/')
rule "memory comes from arenas: free() only in base/" '(^|[^_a-z])free\(' $outside_base
rule "no ladders of goto" 'goto (out|err|fail)' $sources
rule "differences between releases are rows of go/release.c" 'minor *(>=|<=|<|>|==) *[0-9]' \
	$(echo "$outside_base" | grep -v '^src/go/release\.')
rule "an unfinished thought" 'TODO|FIXME' $sources Makefile
rule "no #if outside base/, but for include guards" '^#(if |ifdef)' $outside_base
rule "spaces at the end of a line" '[ 	]+$' $sources Makefile tools/*.sh
rule "tabs, not spaces" '^        ' $sources
for f in $sources; do expand "$f" | LC_ALL=C.UTF-8 grep -nE '.{101}' | sed "s|^|$f:|"; done | grep . &&
	{ echo "lint: 100 columns at most"; bad=1; }
git ls-files | grep -v '^fuzz/' | tr '\n' '\0' | LC_ALL=C xargs -0 grep -lP '\A\x7fELF' && { echo "lint: a generated binary"; bad=1; }
for f in $(echo "$sources" | grep '^src/.*\.h$'); do
	for word in Owns Units Fails Threads; do
		grep -q "$word  " "$f" || { echo "$f: does not say: $word"; bad=1; }
	done
done

say() { printf '  %s\n' "$*"; }
have() { command -v "$1" >/dev/null || { say "$1 is not installed"; return 1; }; }

have "${CC:-gcc}" && {
	say "${CC:-gcc} -fanalyzer"
	echo "$sources" | grep '^src/.*\.c$' | xargs -P "$(nproc)" -I{} sh -c \
		"${CC:-gcc} $flags -O2 -fanalyzer -Wno-analyzer-fd-leak -Werror -c -o /dev/null {}" || bad=1
}
have cppcheck && {
	say cppcheck
	cppcheck -q -j "$(nproc)" --std=c11 --language=c -Isrc -D__x86_64__ --enable=warning,portability --inline-suppr \
		--error-exitcode=1 --suppressions-list=tools/cppcheck src || bad=1
}
have clang-tidy && {
	say clang-tidy
	echo "$sources" | grep '^src/.*\.c$' | xargs -P "$(nproc)" -n 8 sh -c \
		"clang-tidy --quiet \"\$@\" -- $(echo "$flags" | sed 's/-ffile-prefix-map=[^ ]*//') 2>/dev/null" _ || bad=1
}
exit $bad
