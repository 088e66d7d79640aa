#include "cmd/spans_read.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "out/sinks.h"
#include "out/waterfall.h"

enum { TRACES_SHOWN = 50, COLUMNS = 100, COLUMNS_MOST = 400 };

bool spans_read_check(const struct spans_read_args *a, bool others, const char *output,
		      struct err *err)
{
	if (!a->file && !(a->trace || a->html || a->slow_ns || a->errors))
		return true;
	if (!a->file)
		return err_set(err, ERR_USAGE, "--trace, --slow, --errors and --html say what of a "
			       "store is shown: there is no --read FILE");
	if (others)
		return err_set(err, ERR_USAGE, "--read FILE looks into a store: it goes with "
			       "--trace, --slow, --errors, --html, --json and -o only, and "
			       "without a program");
	if (a->trace && (a->slow_ns || a->errors))
		return err_set(err, ERR_USAGE, "--trace ID is one trace, --slow and --errors are "
			       "about all of them");
	if (a->html && !a->trace)
		return err_set(err, ERR_USAGE, "--html OUT is the page of one trace: say which by "
			       "--trace ID");
	if (a->html && output)
		return err_set(err, ERR_USAGE, "--html OUT and -o: one of them");
	if ((a->html && file_is_same(a->html, a->file)) ||
	    (output && file_is_same(output, a->file)))
		return err_set(err, ERR_USAGE, "%s: is the store itself",
			       a->html ? a->html : output);
	return true;
}

static unsigned columns(int fd)
{
	struct winsize w;

	return isatty(fd) && !ioctl(fd, TIOCGWINSZ, &w) && w.ws_col ?
	       MIN(w.ws_col, (unsigned)COLUMNS_MOST) : COLUMNS;
}

static bool list(const struct spans_read_args *a, bool json, struct out *o, struct arena *arena,
		 struct err *err)
{
	struct stored_ask ask = {
		.slow_ns = a->slow_ns, .errors = a->errors,
		.most = json ? INT32_MAX : TRACES_SHOWN,
	};
	struct stored_traces traces;

	if (!store_traces(&traces, a->file, &ask, arena, err))
		return false;
	(json ? traces_json : traces_text)(o, &traces);
	return true;
}

static bool page(const struct stored_spans *s, const char *path, struct err *err)
{
	OWN(out_file) file = { 0 };

	if (!out_file_open(&file, path, false, err))
		return false;
	waterfall_html(&file.out, s);
	return out_file_commit(&file, err);
}

static bool one(const struct spans_read_args *a, bool json, struct out *o, struct arena *arena,
		struct err *err)
{
	struct stored_spans spans;

	if (!store_trace(&spans, a->file, a->trace, arena, err))
		return false;
	if (a->html)
		return page(&spans, a->html, err);
	if (json)
		waterfall_json(o, &spans);
	else
		waterfall_text(o, &spans, columns(o->fd));
	return true;
}

bool spans_read(const struct spans_read_args *a, const struct common_args *common,
		const char *output, struct err *err)
{
	struct target_facts t = { .path = a->file };
	OWN(out_file) file = { 0 };
	OWN(arena) arena = { 0 };

	if (!out_file_open(&file, output, false, err))
		return false;
	file.out.color = use_color(common, file.out.fd);
	if (common->json && !a->html)
		sink_json_begin(&file.out, &t);
	return (a->trace ? one : list)(a, common->json, &file.out, &arena, err) &&
	       out_file_commit(&file, err);
}
