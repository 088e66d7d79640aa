#!/bin/sh
# layers.sh: do the includes between the folders of src/ keep to src/LAYERS? --draw shows them.
cd "$(dirname "$0")/.." || exit
grep -H '^#include "' src/*/*.[ch] | sed 's|^src/\([^/]*\)/\([^:]*\):#include "\([^/"]*\)/.*|\1 \3 \2|' |
awk -v draw="$1" '
FILENAME == "src/LAYERS" { if (!/^#/ && sub(/:/, "")) { order[++n] = $1; for (i = 2; i <= NF; i++) may[$1, $i] = 1 } next }
NF != 3 { print "src/" $0 ": an include of a folder is written \"folder/file.h\""; bad = 1; next }
$1 != $2 { uses[$1, $2]++; if (!may[$1, $2]) { print "src/" $1 "/" $3 " includes " $2 "/, which src/LAYERS does not let " $1 " do"; bad = 1 } }
END {
	for (i = 1; draw && i <= n; i++) {
		printf "%-8s", order[i]
		for (k = 1; k <= n; k++) if (uses[order[i], order[k]]) printf "  -> %s (%d)", order[k], uses[order[i], order[k]]
		print ""
	}
	exit bad
}' src/LAYERS -
