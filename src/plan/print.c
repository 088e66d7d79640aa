#include "plan/print.h"

static const char *read_name(u8 kind)
{
	static const char *const names[] = {
		"register", "float", "stack", "g", "frames", "memory", "bytes", "when"
	};

	return names[kind];
}

void reading_print(struct out *o, const char *what, const struct reading *r)
{
	out_fmt(o, "    %s: record of %s%u bytes", what, r->texts ? "up to " : "",
		r->size + r->texts);
	out_line(o);
	for (u32 i = 0; i < r->nslots; i++) {
		const struct slot *s = &r->slots[i];

		out_z(o, "      ");
		out_clean(o, s->param->name);
		if (s->param->type) {
			out_c(o, ' ');
			out_clean(o, s->param->type->name);
		}
		if (s->redacted)
			out_z(o, ": redacted");
		else if (s->taken)
			out_fmt(o, " at +%u", s->at);
		else
			out_z(o, ": not taken");
		out_line(o);
	}
	for (u32 i = 0; i < r->nreads; i++) {
		const struct read *d = &r->reads[i];

		if (d->kind < READ_FRAMES)
			continue;
		if (d->kind == READ_FRAMES)
			out_fmt(o, "      at most %u return addresses to +%u", d->size / 8, d->at);
		else if (d->kind == READ_WHEN)
			out_fmt(o, "      when +%u %s 0x%llx: the next %u", d->when_at,
				d->when_not ? "!=" : "==", (unsigned long long)d->when, d->size);
		else if (d->kind == READ_AGAIN)
			out_fmt(o, "      again from %u steps before, +%u moved on by %u",
				d->size, d->from, d->elem);
		else
			out_fmt(o, "      %s behind +%u%+d: at most %u bytes to +%u",
				read_name(d->kind), d->from, d->disp, d->size, d->at);
		out_line(o);
	}
}

void condition_print(struct out *o, struct condition_parts parts, const char *after)
{
	const struct { u32 n; const char *where; } rows[] = {
		{ parts.before, "before anything is recorded" },
		{ parts.after, after },
		{ parts.at_entry, "by the reader" },
		{ parts.at_end, "when the call has ended" },
	};
	bool some = false;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!rows[i].n)
			continue;
		out_z(o, some ? ", " : "    condition: parts decided ");
		out_fmt(o, "%s: %u", rows[i].where, rows[i].n);
		some = true;
	}
	if (some)
		out_line(o);
}

void site_head(struct out *o, const struct plan_func *f, u64 va)
{
	out_clean(o, f->func->name);
	if (f->line_at) {
		out_c(o, ' ');
		out_clean(o, f->line.file);
		out_fmt(o, ":%d", f->line.line);
	}
	out_fmt(o, " 0x%llx", (unsigned long long)va + f->line_at);
	if (!f->shown)
		out_z(o, " (to know where panics and goroutines end)");
	if (f->refusal)
		out_fmt(o, ": refused: %s", refusal_text(f->refusal));
	out_line(o);
}

const char *site_kind_name(const struct plan_func *f)
{
	return f->line_at ? "line" : f->shown ? "entry" : "hook";
}

void counted_print(struct out *o, const struct plan_func *f)
{
	out_fmt(o, "    %s: counted, no record", site_kind_name(f));
	out_line(o);
}

void site_json(struct json *j, const struct plan_func *f, const char *kind, u64 va,
	       const char *reason, const struct reading *r)
{
	json_object(j);
	json_key(j, "type");
	json_z(j, "site");
	json_key(j, "func");
	json_str(j, f->func->name);
	json_key(j, "kind");
	json_z(j, kind);
	if (f->line_at) {
		json_key(j, "file");
		json_str(j, f->line.file);
		json_key(j, "line");
		json_i64(j, f->line.line);
	}
	json_key(j, "address");
	json_hex(j, va);
	json_key(j, "probe");
	json_z(j, reason ? "refused" : "ok");
	if (reason) {
		json_key(j, "reason");
		json_z(j, reason);
	} else if (r) {
		json_key(j, "record_bytes");
		json_u64(j, r->size + r->texts);
	}
	json_object_end(j);
	json_line(j);
}
