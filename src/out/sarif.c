/* One run with one tool; every rule is listed, found or not, so that a service can show its page.
 * A place without a known source file is in the program's own file. */
#include "out/sarif.h"

#include "base/version.h"

static void text_object(struct json *j, const char *key, struct str text)
{
	json_key(j, key);
	json_object(j);
	json_key(j, "text");
	json_str(j, text);
	json_object_end(j);
}

/* A path as a URI: absolute ones as file:///…, others relative to whatever the reader knows. */
static void uri(struct json *j, struct str path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~/@!$&'()*+,;=";
	OWN(out) to = {0};

	out_memory(&to);
	if (path.n && path.p[0] == '/')
		out_z(&to, "file://");
	for (size_t i = 0; i < path.n; i++) {
		if (memchr(plain, path.p[i], sizeof(plain) - 1))
			out_c(&to, path.p[i]);
		else
			out_fmt(&to, "%%%02X", (u8)path.p[i]);
	}
	json_key(j, "artifactLocation");
	json_object(j);
	json_key(j, "uri");
	json_str(j, (struct str){ to.buf, to.n });
	json_object_end(j);
}

static void location(struct json *j, const struct check *c, struct str func, struct str file,
		     i32 line)
{
	json_object(j);
	json_key(j, "physicalLocation");
	json_object(j);
	uri(j, file.n ? file : c->prog->img->path);
	if (file.n && line > 0) {
		json_key(j, "region");
		json_object(j);
		json_key(j, "startLine");
		json_i64(j, line);
		json_object_end(j);
	}
	json_object_end(j);
	if (func.n) {
		json_key(j, "logicalLocations");
		json_array(j);
		json_object(j);
		json_key(j, "fullyQualifiedName");
		json_str(j, func);
		json_key(j, "kind");
		json_z(j, "function");
		json_object_end(j);
		json_array_end(j);
	}
}

static void flow(struct json *j, const struct check *c, const struct finding *f)
{
	json_key(j, "codeFlows");
	json_array(j);
	json_object(j);
	json_key(j, "threadFlows");
	json_array(j);
	json_object(j);
	json_key(j, "locations");
	json_array(j);
	for (size_t i = 0; i < f->npath; i++) {
		const struct finding_step *s = &f->path[i];

		json_object(j);
		json_key(j, "location");
		location(j, c, s->func, s->file, s->line);
		text_object(j, "message", s->func);
		json_object_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
	json_array_end(j);
}

static void rule(struct json *j, const struct rule *r)
{
	json_object(j);
	json_key(j, "id");
	json_z(j, r->id);
	text_object(j, "shortDescription", str_of(r->what));
	text_object(j, "fullDescription", str_of(r->page));
	text_object(j, "help", str_of(r->page));
	json_key(j, "defaultConfiguration");
	json_object(j);
	json_key(j, "level");
	json_z(j, finding_level_name(r->level));
	json_object_end(j);
	json_object_end(j);
}

static void tool(struct json *j)
{
	json_key(j, "tool");
	json_object(j);
	json_key(j, "driver");
	json_object(j);
	json_key(j, "name");
	json_z(j, "goshawk");
	json_key(j, "version");
	json_z(j, GOSHAWK_VERSION);
	json_key(j, "rules");
	json_array(j);
	for (size_t i = 0; i < ncheck_rules; i++)
		rule(j, check_rules[i]);
	json_array_end(j);
	json_object_end(j);
	json_object_end(j);
}

static i64 rule_index(const struct rule *r)
{
	i64 i = 0;

	while (check_rules[i] != r)
		i++;
	return i;
}

/* The same finding in another build has the same one: rule and function, no lines. */
static void fingerprint(struct json *j, const struct finding *f, struct arena *a)
{
	struct str about = f->func.n ? f->func : f->message;

	json_key(j, "partialFingerprints");
	json_object(j);
	json_key(j, "ruleAndFunction/v1");
	json_str(j, str_fmt(a, "%s-%08x", f->rule->id, str_hash(about)));
	json_object_end(j);
}

static void result(struct json *j, const struct check *c, const struct finding *f, struct arena *a)
{
	json_object(j);
	json_key(j, "ruleId");
	json_z(j, f->rule->id);
	json_key(j, "ruleIndex");
	json_i64(j, rule_index(f->rule));
	json_key(j, "level");
	json_z(j, finding_level_name(f->rule->level));
	text_object(j, "message", str_fmt(a, "%.*s. To do: %.*s.", STR_F(f->message),
					  STR_F(f->advice)));
	json_key(j, "locations");
	json_array(j);
	location(j, c, f->func, f->file, f->line);
	json_object_end(j);
	json_array_end(j);
	if (f->npath)
		flow(j, c, f);
	fingerprint(j, f, a);
	json_key(j, "properties");
	json_object(j);
	json_key(j, "certainty");
	json_z(j, certainty_name(f->certainty));
	json_object_end(j);
	json_object_end(j);
}

void sarif_write(struct out *o, const struct check *c)
{
	OWN(arena) a = {0};
	struct json j;

	json_begin(&j, o);
	json_object(&j);
	json_key(&j, "$schema");
	json_z(&j, "https://json.schemastore.org/sarif-2.1.0.json");
	json_key(&j, "version");
	json_z(&j, "2.1.0");
	json_key(&j, "runs");
	json_array(&j);
	json_object(&j);
	tool(&j);
	json_key(&j, "results");
	json_array(&j);
	for (size_t i = 0; i < c->findings.n; i++)
		result(&j, c, &c->findings.at[i], &a);
	json_array_end(&j);
	json_object_end(&j);
	json_array_end(&j);
	json_object_end(&j);
	json_line(&j);
}
