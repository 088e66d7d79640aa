#include "span/rules.h"

#include <stdio.h>

#include "go/release.h"

enum { AX, BX, CX };

/* How a header begins that says whose child the request is: names are of any case, these are what
 * people and proxies write. */
static const char *const trace_headers[] = {
	"Tracepar", "tracepar", "TracePar", "TRACEPAR",
	"Tracesta", "tracesta", "TraceSta", "TRACESTA",
};

static const char *const trace_fields[] = { "tracepar", "tracesta" };	/* HTTP/2: always lower */

/* Of each library its span comes first: the others say something of one. */
static const struct rule rules[] = {
	{
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_SPAN,
		.func = "net/http.serverHandler.ServeHTTP", .kind = SPAN_SERVER,
		.scope = "net/http", .gives = "spans of HTTP requests that are served",
		.reads = {
			{ FIELD_METHOD, "arg1.Method", 16 },
			{ FIELD_PATH, "arg1.URL.Path", 512 },
			{ FIELD_PROTO, "arg1.Proto", 16 },
			{ FIELD_HOST, "arg1.Host", 128 },
			{ FIELD_PEER, "arg1.RemoteAddr", 64 },
			{ FIELD_TLS, "arg1.TLS != nil", 0 },
		},
		.nreads = 6,
		/* the data word of the ResponseWriter: *response, or for HTTP/2 what points to the
		 * state behind it */
		.extra = { .kind = EXTRA_BOXED, .reg = CX },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_STATUS,
		.func = "net/http.(*response).WriteHeader",
		.gives = "http.response.status_code of HTTP/1",
		.reads = { { FIELD_STATUS, "arg0", 0 } }, .nreads = 1,
		.extra = { .kind = EXTRA_BOXED, .reg = AX },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_STATUS, .until = 26,
		.func = "net/http.(*http2responseWriterState).writeHeader",
		.gives = "http.response.status_code of HTTP/2",
		.reads = { { FIELD_STATUS, "arg0", 0 } }, .nreads = 1,
		.extra = { .kind = EXTRA_BOXED, .reg = AX },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_STATUS, .since = 27,
		.func = "net/http/internal/http2.(*responseWriterState).writeHeader",
		.gives = "http.response.status_code of HTTP/2",
		.reads = { { FIELD_STATUS, "arg0", 0 } }, .nreads = 1,
		.extra = { .kind = EXTRA_BOXED, .reg = AX },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_HIJACK,
		.func = "net/http.(*response).Hijack",
		.gives = "that a connection was taken over",
		.extra = { .kind = EXTRA_BOXED, .reg = AX },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_REQUEST,
		.func = "net/http.(*conn).readRequest",
		.gives = "traceparent of requests",
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_LINE,
		.func = "net/textproto.(*Reader).readContinuedLineSlice",
		.gives = "traceparent of requests",
		.extra = {
			.kind = EXTRA_TEXT, .exit = true, .reg = AX, .most = 640,
			.only = trace_headers, .nonly = ARRAY_LEN(trace_headers),
		},
	}, {
		/* (f *MetaHeadersFrame): a pointer, then Fields */
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_FRAME, .until = 26,
		.func = "net/http.(*http2serverConn).processHeaders",
		.gives = "traceparent of HTTP/2 requests",
		.extra = {
			.kind = EXTRA_FIELDS, .reg = BX, .disp = 8, .most = 512,
			.only = trace_fields, .nonly = ARRAY_LEN(trace_fields),
		},
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_FRAME, .since = 27,
		.func = "net/http/internal/http2.(*serverConn).processHeaders",
		.gives = "traceparent of HTTP/2 requests",
		.extra = {
			.kind = EXTRA_FIELDS, .reg = BX, .disp = 8, .most = 512,
			.only = trace_fields, .nonly = ARRAY_LEN(trace_fields),
		},
	}, {
		/* returns (h Handler, patStr string, …) */
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_ROUTE, .since = 22,
		.func = "net/http.(*ServeMux).findHandler", .gives = "http.route",
		.extra = { .kind = EXTRA_TEXT, .exit = true, .reg = CX, .most = 128 },
	}, {
		/* with GODEBUG=httpmuxgo121=1, which a go.mod of before 1.22 sets */
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_ROUTE, .since = 22,
		.func = "net/http.(*serveMux121).findHandler", .gives = "http.route",
		.extra = { .kind = EXTRA_TEXT, .exit = true, .reg = CX, .most = 128 },
	}, {
		.library = LIBRARY_HTTP_SERVER, .role = ROLE_ROUTE, .until = 21,
		.func = "net/http.(*ServeMux).Handler", .gives = "http.route",
		.extra = { .kind = EXTRA_TEXT, .exit = true, .reg = CX, .most = 128 },
	}, {
		.library = LIBRARY_HTTP_CLIENT, .role = ROLE_SPAN,
		.func = "net/http.(*Transport).roundTrip", .kind = SPAN_CLIENT,
		.scope = "net/http", .gives = "spans of HTTP requests that are sent",
		.reads = {
			{ FIELD_METHOD, "arg0.Method", 16 },
			{ FIELD_SCHEME, "arg0.URL.Scheme", 16 },
			{ FIELD_HOST, "arg0.URL.Host", 128 },
			{ FIELD_PATH, "arg0.URL.Path", 512 },
			{ FIELD_QUERY, "len(arg0.URL.RawQuery) > 0", 0 },
			{ FIELD_STATUS, "ret0.StatusCode", 0 },
			{ FIELD_PROTO, "ret0.Proto", 16 },
			{ FIELD_ERROR, "ret1.(type)", 128 },
		},
		.nreads = 8,
	},
};

static const struct { const char *name, *package; } libraries[] = {
	[LIBRARY_HTTP_SERVER] = { "http-server", "net/http" },
	[LIBRARY_HTTP_CLIENT] = { "http-client", "net/http" },
};

const char *span_library_name(enum span_library l)
{
	return libraries[l].name;
}

static const char *field_name(enum rule_field f)
{
	static const char *const names[] = {
		[FIELD_METHOD] = "http.request.method", [FIELD_SCHEME] = "url.scheme",
		[FIELD_HOST] = "server.address", [FIELD_PATH] = "url.path",
		[FIELD_QUERY] = "that url.full has a query",
		[FIELD_PROTO] = "network.protocol.version", [FIELD_PEER] = "client.address",
		[FIELD_TLS] = "url.scheme", [FIELD_STATUS] = "http.response.status_code",
		[FIELD_ERROR] = "error.type",
	};

	return names[f];
}

static bool mark(const char *option, const struct opt_list *list, bool *to, bool value,
		 struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct str rest = str_of(list->at[i]);

		while (rest.n) {
			ptrdiff_t comma = str_find(rest, STR(","));
			struct str name = str_cut(rest, 0, comma < 0 ? rest.n : (size_t)comma);
			u32 l = 0;

			rest = str_cut(rest, name.n + 1, rest.n);
			while (l < LIBRARY_COUNT && !str_eq(name, str_of(libraries[l].name)))
				l++;
			if (l == LIBRARY_COUNT)
				return err_set(err, ERR_USAGE, "%s: http-server or http-client, "
					       "not '%.*s'", option, STR_F(name));
			to[l] = value;
		}
	}
	return true;
}

bool rules_wanted(struct rules *r, const struct opt_list *only, const struct opt_list *no,
		  struct err *err)
{
	for (u32 i = 0; i < LIBRARY_COUNT; i++)
		r->wanted[i] = !only->n;
	return mark("--only", only, r->wanted, true, err) &&
	       mark("--no", no, r->wanted, false, err);
}

void rules_choose(struct rules *r, const struct go_program *prog, struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *u = &rules[i];
		const struct go_func *f = go_func_named(prog, str_of(u->func));

		if (!f || !r->wanted[u->library] ||
		    !release_in(prog->version.minor, u->since, u->until) ||
		    (u->role != ROLE_SPAN && !r->there[u->library]))
			continue;
		r->there[u->library] |= u->role == ROLE_SPAN;
		r->extras[r->n] = u->extra;
		r->extras[r->n].func = u->func;
		r->patterns[r->n] = str_fmt(a, "0x%llx", (unsigned long long)
					    go_func_va(prog, f)).p;
		r->on[r->n++] = (struct rule_on){ u, r->nasks };
		for (u32 k = 0; k < u->nreads; k++)
			r->asks[r->nasks++] = (struct expr_ask){
				.role = EXPR_BY, .option = u->func, .text = u->reads[k].expr,
				.func = u->func, .most = u->reads[k].most,
			};
	}
}

const struct rule_on *rules_of(const struct rules *r, const struct plan_func *f)
{
	for (u32 i = 0; i < r->n; i++)
		if (str_eq(f->func->name, str_of(r->on[i].rule->func)))
			return &r->on[i];
	return NULL;
}

void rules_off(const struct rules *r, const struct plan *p,
	       void (*say)(void *ctx, const char *sentence), void *ctx)
{
	char text[512];

	for (u32 i = 0; i < p->nfuncs; i++) {
		const struct plan_func *f = &p->funcs[i];
		const struct rule_on *on = f->shown ? rules_of(r, f) : NULL;

		if (!on)
			continue;
		if (f->refusal) {
			snprintf(text, sizeof(text), "%s is off: %s: %s", on->rule->gives,
				 on->rule->func, refusal_text(f->refusal));
			say(ctx, text);
			continue;
		}
		for (u32 k = 0; k < on->rule->nreads; k++) {
			const char *why = f->codes[on->first + k].why;

			if (!why)
				continue;
			snprintf(text, sizeof(text), "%s is off in %s: %.*s",
				 field_name(on->rule->reads[k].field), on->rule->func,
				 (int)strcspn(why, "\n"), why);
			say(ctx, text);
		}
	}
}
