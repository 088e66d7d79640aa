#include "diag/frame.h"

#include "go/program.h"

bool frame_is_runtime(struct str func)
{
	static const char *const begins[] = {
		"runtime.", "runtime/", "internal/", "_ZN6__tsan", "__tsan", "type:.", "type..",
	};
	static const char *const without_package[] = {
		"race", "panic", "memeqbody", "indexbytebody", "countbody", "cmpbody", "gogo",
		"gosave", "callRet", "aeshashbody", "debugCall", "_cgo", "x_cgo",
	};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (str_starts(func, str_of(begins[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(without_package); i++)
		if (str_starts(func, str_of(without_package[i])))
			return str_find(func, STR(".")) < 0;
	return !func.n;
}

/* Is the first element of a path one of Go's own folders? Those of Go 1.17 to 1.27. */
static bool begins_in_std(struct str path)
{
	static const char *const names[] = {
		"archive", "arena", "bufio", "bytes", "cmp", "compress", "container", "context",
		"crypto", "database", "debug", "embed", "encoding", "errors", "expvar", "flag",
		"fmt", "go", "hash", "html", "image", "index", "internal", "io", "iter", "log",
		"maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp",
		"runtime", "simd", "slices", "sort", "strconv", "strings", "structs", "sync",
		"syscall", "testing", "text", "time", "unicode", "unique", "unsafe", "uuid",
		"vendor", "weak",
	};
	ptrdiff_t slash = str_find(path, STR("/"));
	struct str first = slash < 0 ? path : str_cut(path, 0, (size_t)slash);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(first, str_of(names[i])))
			return true;
	return false;
}

/* A module may be called like one of them, and a program's folder /src: it has to be both. What the
 * runtime has for other packages lies in its own folder. */
bool frame_is_std(struct str func, struct str file)
{
	ptrdiff_t src;

	if (!begins_in_std(go_name_split(func).package))
		return false;
	while ((src = str_find(file, STR("/src/"))) >= 0)
		file = str_cut(file, (size_t)src + 5, file.n);
	/* with -trimpath it is relative */
	return begins_in_std(file) || str_eq(file, STR("_cgo_gotypes.go"));
}
