#include "out/otlp_http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <sys/socket.h>
#include <zlib.h>

#include "base/out.h"
#include "base/version.h"

#define CALLS(X)                                                                                   \
	X(global_init) X(easy_init) X(easy_setopt) X(easy_perform) X(easy_getinfo)                 \
	X(easy_strerror) X(easy_cleanup) X(slist_append) X(slist_free_all)

enum { SENT_AT_ONCE = 512 << 10 };	/* a batch, by a system call or two */

/* What is used of libcurl. */
static struct {
	void *library;
#define X(name) __typeof__(curl_##name) *name;
	CALLS(X)
#undef X
} curl;

struct otlp_http {
	CURL *easy;
	struct curl_slist *headers;
	const struct otlp_config *config;
	bool (*stop)(void *ctx);
	void *ctx;
	struct out packed, answer;
	size_t nheaders;
	bool json, too_long;
	char error[CURL_ERROR_SIZE];
};

static bool load(struct err *err)
{
	void *l;

	if (curl.library)
		return true;
	l = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!l)
		l = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!l)
		return err_set(err, ERR_UNSUPPORTED, "OTLP needs libcurl, which is not installed "
			       "(Debian: apt-get install libcurl4)");
#define X(name)                                                                                    \
	curl.name = (__typeof__(curl_##name) *)dlsym(l, "curl_" #name);                            \
	if (!curl.name)                                                                            \
		return err_set(err, ERR_UNSUPPORTED, "libcurl has no curl_" #name);
	CALLS(X)
#undef X
	curl.library = l;
	return !curl.global_init(CURL_GLOBAL_DEFAULT) ||
	       err_set(err, ERR_UNSUPPORTED, "libcurl can't be started");
}

static size_t on_body(char *p, size_t each, size_t n, void *ctx)
{
	struct otlp_http *h = ctx;
	size_t all = each * n, room = ANSWER_MOST - h->answer.n;

	out_str(&h->answer, (struct str){ p, MIN(all, room) });
	h->too_long = all > room;
	return h->too_long ? 0 : all;
}

static size_t on_header(char *p, size_t each, size_t n, void *ctx)
{
	struct otlp_http *h = ctx;

	(void)p;
	h->nheaders += each * n;
	return h->nheaders > HEADERS_MOST ? 0 : each * n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct otlp_http *h = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return h->stop(h->ctx);
}

/* A program that goshawk starts must not have our connections. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *at)
{
	(void)ctx, (void)purpose;
	return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
}

static void set(struct otlp_http *h, CURLoption o, long v)
{
	curl.easy_setopt(h->easy, o, v);
}

static void set_text(struct otlp_http *h, CURLoption o, const char *v)
{
	if (v)
		curl.easy_setopt(h->easy, o, v);
}

static void header(struct otlp_http *h, struct str name, struct str value)
{
	OWN(out) o;

	out_memory(&o);
	out_str(&o, name);
	/* libcurl would leave out a header without a value; with ';' it does not */
	out_z(&o, value.n ? ": " : ";");
	out_str(&o, value);
	out_c(&o, 0);
	h->headers = curl.slist_append(h->headers, o.buf);
}

static void prepare(struct otlp_http *h, const char *content_type)
{
	const struct otlp_config *c = h->config;

	header(h, STR("Content-Type"), str_of(content_type));
	if (c->gzip)
		header(h, STR("Content-Encoding"), STR("gzip"));
	h->headers = curl.slist_append(h->headers, "Expect:");
	for (u32 i = 0; i < c->headers.n; i++)
		header(h, c->headers.at[i].key, c->headers.at[i].value);
	set_text(h, CURLOPT_URL, c->url);
	set_text(h, CURLOPT_PROTOCOLS_STR, "http,https");
	set_text(h, CURLOPT_USERAGENT, "goshawk/" GOSHAWK_VERSION);
	set_text(h, CURLOPT_CAINFO, c->ca);
	if (c->ca)	/* nobody else vouches for it then */
		curl.easy_setopt(h->easy, CURLOPT_CAPATH, NULL);
	set_text(h, CURLOPT_SSLCERT, c->cert);
	set_text(h, CURLOPT_SSLKEY, c->cert ? c->key : NULL);
	set(h, CURLOPT_NOSIGNAL, 1);
	set(h, CURLOPT_POST, 1);
	set(h, CURLOPT_NOPROGRESS, 0);
	set(h, CURLOPT_QUICK_EXIT, 1);
	set(h, CURLOPT_UPLOAD_BUFFERSIZE, SENT_AT_ONCE);
	curl.easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	curl.easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error);
	curl.easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl.easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	curl.easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl.easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	curl.easy_setopt(h->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl.easy_setopt(h->easy, CURLOPT_XFERINFODATA, h);
	curl.easy_setopt(h->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
}

bool otlp_http_new(struct otlp_http **to, const struct otlp_config *c, const char *content_type,
		   bool (*stop)(void *ctx), void *ctx, struct err *err)
{
	struct otlp_http *h;

	if (!load(err))
		return false;
	h = mem_resize(NULL, sizeof(*h));
	*h = (struct otlp_http){
		.easy = curl.easy_init(), .config = c, .stop = stop, .ctx = ctx, .json = c->json
	};
	if (!h->easy)
		die("libcurl has no memory");
	out_memory(&h->packed);
	out_memory(&h->answer);
	prepare(h, content_type);
	*to = h;
	return true;
}

static struct str gzip(struct out *to, struct str body)
{
	enum { WINDOW_GZIP = 15 + 16, MEMORY = 8 };
	z_stream z = { 0 };

	to->n = 0;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		die("zlib has no memory");
	z.next_in = (u8 *)body.p;
	z.avail_in = (uInt)body.n;
	z.avail_out = (uInt)deflateBound(&z, body.n);
	z.next_out = (u8 *)out_room(to, z.avail_out);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		die("zlib: a batch can't be compressed");
	to->n = z.total_out;
	deflateEnd(&z);
	return (struct str){ to->buf, to->n };
}

static enum otlp_trouble kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
		return TROUBLE_TLS;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK:
		return TROUBLE_TIME;
	default:
		return TROUBLE_REACH;
	}
}

/* libcurl's own sentence may have a proxy's user and password in it, so only that of a certificate,
 * which has none, is taken. */
static void failed(struct otlp_http *h, CURLcode code, struct otlp_reply *r)
{
	long number = 0;

	curl.easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &number);
	r->trouble = kind_of(code);
	if (code == CURLE_PEER_FAILED_VERIFICATION && h->error[0])
		snprintf(r->failure, sizeof(r->failure), "%s", h->error);
	else if (code == CURLE_SSL_CACERT_BADFILE && h->config->ca)
		snprintf(r->failure, sizeof(r->failure), "%.200s: no certificate can be read from "
			 "it (OTEL_EXPORTER_OTLP_CERTIFICATE)", h->config->ca);
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		snprintf(r->failure, sizeof(r->failure), "no answer until the end");
	else if (number && r->trouble == TROUBLE_REACH)
		snprintf(r->failure, sizeof(r->failure), "%s: %s", curl.easy_strerror(code),
			 strerror((int)number));
	else
		snprintf(r->failure, sizeof(r->failure), "%s", curl.easy_strerror(code));
}

void otlp_http_post(struct otlp_http *h, struct str body, i64 timeout_ns, struct otlp_reply *r)
{
	const char *type = NULL;
	curl_off_t after = 0;
	CURLcode code;

	*r = (struct otlp_reply){ 0 };
	if (h->config->gzip)
		body = gzip(&h->packed, body);
	h->answer.n = h->nheaders = 0;
	h->too_long = false;
	h->error[0] = 0;
	set(h, CURLOPT_TIMEOUT_MS, (long)MAX(timeout_ns / 1000000, (i64)1));
	curl.easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl.easy_setopt(h->easy, CURLOPT_POSTFIELDS, body.p);
	code = curl.easy_perform(h->easy);
	curl.easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &r->status);
	curl.easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
	curl.easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type);
	/* an answer that promises another one is none, nor is one that breaks off: what of the
	 * batch was taken may stand in the rest. Where we read no more of it, it has not */
	if (r->status < 200 ||
	    (r->status < 300 && code != CURLE_OK && code != CURLE_WRITE_ERROR))
		r->status = 0;
	if (code != CURLE_OK)
		failed(h, code, r);
	r->too_long = h->too_long;
	r->retry_after_ns = (i64)MAX(MIN(after, (curl_off_t)86400), (curl_off_t)0) * 1000000000;
	r->body = (struct str){ h->answer.buf, h->answer.n };
	r->json = type ? strstr(type, "json") != NULL : h->json;
}

void otlp_http_free(struct otlp_http *h)
{
	curl.easy_cleanup(h->easy);
	curl.slist_free_all(h->headers);
	out_release(&h->packed);
	out_release(&h->answer);
	mem_free(h);
}
