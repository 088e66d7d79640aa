#include "out/program.h"

#include "base/file.h"
#include "go/release.h"
#include "go/sig.h"

/* What goshawk can do with a program depends on what is in it: each line says it both ways. */
struct ability {
	bool (*holds)(const struct go_program *prog);
	const char *can;
	const char *cannot;
};

static bool always(const struct go_program *prog)
{
	(void)prog;
	return true;
}

static bool is_cut(const struct go_program *prog)
{
	return !prog->has_dwarf && prog->img->secs_outside;
}

static bool is_not_cut(const struct go_program *prog)
{
	return !is_cut(prog);
}

static bool has_dwarf_or_is_cut(const struct go_program *prog)
{
	return prog->has_dwarf || is_cut(prog);
}

static bool has_dwarf_of_results(const struct go_program *prog)
{
	return prog->has_dwarf && !prog->rel->dwarf_lacks_results;
}

static bool has_dwarf_without_results(const struct go_program *prog)
{
	return prog->has_dwarf && prog->rel->dwarf_lacks_results;
}

static bool lacks_no_results(const struct go_program *prog)
{
	return !has_dwarf_without_results(prog);
}

static bool starts_by_itself(const struct go_program *prog)
{
	return prog->md.hasmain;
}

static bool hears_of_faults(const struct go_program *prog)
{
	return !starts_by_itself(prog) || go_func_named(prog, STR("runtime.sigtramp"));
}

static bool is_not_set_uid(const struct go_program *prog)
{
	OWN(arena) a = {0};

	return !file_is_set_uid(str_z(&a, prog->img->path));
}

static bool finds_goroutine(const struct go_program *prog)
{
	i32 off;

	return go_tls_offset(prog, &off);
}

static const struct ability abilities[] = {
	{ always, "functions, files, lines and inlined calls (function table)", NULL },
	{ always, "types with fields, signatures of methods (the runtime's type data)", NULL },
	{ has_dwarf_of_results, "names and types of all parameters and results (DWARF)", NULL },
	{ has_dwarf_without_results, "names and types of all parameters (DWARF)", NULL },
	{ lacks_no_results, NULL,
	  "results of plain functions, names of methods' results: the compiler of this release "
	  "wrote none into the DWARF of optimised code" },
	{ is_not_cut, NULL,
	  "names of parameters and results, types of plain functions' parameters: the file is cut "
	  "off, and if it had DWARF, that lies outside; shapes are shown instead" },
	{ has_dwarf_or_is_cut, NULL,
	  "names of parameters and results, types of plain functions' parameters: it has no DWARF "
	  "(built with -w, or stripped); shapes are shown instead" },
	{ starts_by_itself, "trace: the program can be started and traced",
	  "trace: it is not a Go program that starts by itself (c-shared, c-archive or plugin)" },
	{ hears_of_faults, NULL,
	  "trace by the inline engine: runtime.sigtramp was not found (names removed), so a fault "
	  "could not be mended; kernel probes serve" },
	{ is_not_set_uid, NULL,
	  "trace: it is set-uid or set-gid, and the kernel drops that for traced programs" },
	{ finds_goroutine, NULL,
	  "tell goroutines apart: where the current one is kept was not found in its code" },
};

static struct str link_mode(const struct go_program *prog)
{
	/* Go's own linker makes Go's start-up code the entry point; the C driver puts C's there. */
	return prog->img->entry_va - prog->md.text_va < prog->md.etext_va - prog->md.text_va
		       ? STR("internal")
		       : STR("external");
}

static struct str stripped(const struct go_program *prog)
{
	if (is_cut(prog))
		return STR("not known: the file is cut off");
	if (prog->has_symtab && prog->has_dwarf)
		return STR("no");
	if (prog->has_dwarf)
		return STR("symbols");
	return prog->has_symtab ? STR("DWARF") : STR("symbols and DWARF");
}

static struct str release(const struct go_program *prog)
{
	return prog->version.known ? prog->version.text : STR("");
}

static void key(struct out *o, const char *name)
{
	out_fmt(o, "%-12s ", name);
}

static void text_line(struct out *o, const char *name, struct str value)
{
	if (!value.n)
		return;
	key(o, name);
	out_clean(o, value);
	out_line(o);
}

static void print_abilities(struct out *o, const struct go_program *prog, bool can)
{
	const char *name = can ? "can" : "cannot";

	for (size_t i = 0; i < ARRAY_LEN(abilities); i++) {
		const struct ability *a = &abilities[i];
		const char *text = can ? a->can : a->cannot;

		if (!text || a->holds(prog) != can)
			continue;
		key(o, name);
		out_z(o, text);
		out_line(o);
		name = "";
	}
}

static void print_release(struct out *o, const struct go_program *prog)
{
	key(o, "release");
	if (prog->version.known)
		out_clean(o, prog->version.text);
	else
		out_fmt(o, "not recorded; by its tables go1.%u", prog->rel->minor);
	out_line(o);
}

static void print_counts(struct out *o, const struct go_program *prog)
{
	struct go_type **types;

	key(o, "functions");
	out_u64(o, prog->nfuncs);
	out_line(o);
	key(o, "types");
	out_u64(o, go_types_all(prog, &types));
	out_line(o);
	key(o, "size");
	out_fmt(o, "%zu bytes; code %lu, function table %zu", prog->img->size,
		(unsigned long)(prog->md.etext_va - prog->md.text_va),
		prog->funcnametab.n + prog->cutab.n + prog->filetab.n + prog->pctab.n
			+ prog->pclntable.n);
	out_line(o);
}

void program_print(struct out *o, const struct go_program *prog)
{
	text_line(o, "path", prog->img->path);
	print_release(o, prog);
	text_line(o, "main", prog->main_path);
	if (prog->main_module.path.n) {
		key(o, "module");
		out_clean(o, prog->main_module.path);
		out_c(o, ' ');
		out_clean(o, prog->main_module.version);
		out_line(o);
	}
	text_line(o, "build mode", prog->buildmode);
	text_line(o, "link mode", link_mode(prog));
	text_line(o, "stripped", stripped(prog));
	text_line(o, "cgo", prog->cgo ? STR("yes") : STR("no"));
	text_line(o, "race", prog->race ? STR("yes") : STR("no"));
	text_line(o, "trimpath", prog->trimpath ? STR("yes") : STR("no"));
	text_line(o, "build id", prog->build_id);
	print_counts(o, prog);
	for (size_t i = 0; i < prog->nsettings; i++) {
		key(o, i ? "" : "settings");
		out_clean(o, prog->settings[i].key);
		out_c(o, '=');
		out_clean(o, prog->settings[i].value);
		out_line(o);
	}
	for (size_t i = 0; i < prog->ndeps; i++) {
		key(o, i ? "" : "modules");
		out_clean(o, prog->deps[i].path);
		out_c(o, ' ');
		out_clean(o, prog->deps[i].version);
		out_line(o);
	}
	print_abilities(o, prog, true);
	print_abilities(o, prog, false);
}

static void json_flag(struct json *j, const char *name, bool value)
{
	json_key(j, name);
	json_bool(j, value);
}

static void json_number(struct json *j, const char *name, u64 value)
{
	json_key(j, name);
	json_u64(j, value);
}

static void json_abilities(struct json *j, const struct go_program *prog, bool can)
{
	json_key(j, can ? "can" : "cannot");
	json_array(j);
	for (size_t i = 0; i < ARRAY_LEN(abilities); i++) {
		const struct ability *a = &abilities[i];
		const char *text = can ? a->can : a->cannot;

		if (text && a->holds(prog) == can)
			json_z(j, text);
	}
	json_array_end(j);
}

static void json_module(struct json *j, const struct go_module *m)
{
	json_object(j);
	json_text(j, "path", m->path);
	json_text(j, "version", m->version);
	json_object_end(j);
}

static void json_build(struct json *j, const struct go_program *prog)
{
	json_key(j, "module");
	if (prog->main_module.path.n)
		json_module(j, &prog->main_module);
	else
		json_null(j);
	json_key(j, "modules");
	json_array(j);
	for (size_t i = 0; i < prog->ndeps; i++)
		json_module(j, &prog->deps[i]);
	json_array_end(j);
	json_key(j, "settings");
	json_object(j);
	for (size_t i = 0; i < prog->nsettings; i++) {
		json_key_str(j, prog->settings[i].key);
		json_str(j, prog->settings[i].value);
	}
	json_object_end(j);
}

void program_json(struct json *j, const struct go_program *prog)
{
	struct go_type **types;

	json_object(j);
	json_text(j, "type", STR("program"));
	json_text(j, "path", prog->img->path);
	json_text(j, "release", release(prog));
	json_text(j, "main", prog->main_path);
	json_build(j, prog);
	json_text(j, "build_mode", prog->buildmode);
	json_text(j, "build_id", prog->build_id);
	json_text(j, "link_mode", link_mode(prog));
	json_flag(j, "stripped", !prog->has_symtab && !prog->has_dwarf);
	json_flag(j, "symbols", prog->has_symtab);
	json_flag(j, "dwarf", prog->has_dwarf);
	json_flag(j, "pie", prog->img->pie);
	json_flag(j, "cgo", prog->cgo);
	json_flag(j, "race", prog->race);
	json_flag(j, "trimpath", prog->trimpath);
	json_number(j, "size", prog->img->size);
	json_number(j, "code_size", prog->md.etext_va - prog->md.text_va);
	json_number(j, "functions", prog->nfuncs);
	json_number(j, "types", go_types_all(prog, &types));
	json_abilities(j, prog, true);
	json_abilities(j, prog, false);
	json_object_end(j);
	json_line(j);
}
