/* What a person types: patterns, durations, sizes; and names as they stand in a binary. */
#include "base/opt.h"
#include "plan/pattern.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	OWN(patterns) patterns = {0};
	OWN(arena) arena = {0};
	const char *text = str_z(&arena, (struct str){ (const char *)data, n });
	struct err err;
	u64 bytes;
	i64 ns;

	go_name_split((struct str){ text, n });
	/* regcomp(3) needs memory without bound for a{9}{9}{9}, which harms only the one who types
	 * it */
	if (!strstr(text, "re:") && patterns_compile(&patterns, &text, 1, &err))
		patterns_match_text(&patterns, STR("net/http.(*Server).Serve"));
	if (parse_duration(text, &ns, &err) && ns < 0)
		die("fuzz: a negative duration");
	if (parse_size(text, &bytes, &err) && bytes && !n)
		die("fuzz: a size of nothing");
	return 0;
}
