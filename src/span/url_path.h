/* url_path - the path of a URL as it is sent, from what net/url keeps of it: decoded, and as it was
 * written where that is not what the decoded one would be written as.
 *
 * Owns     nothing: what is made lies in `room`.
 * Units    bytes.
 * Fails    never: what was written counts only if it means the decoded one, as for net/url.
 * Threads  any.
 * Source   net/url/url.go, Go 1.17 to 1.27: EscapedPath, validEncoded, shouldEscape, String. */
#ifndef SPAN_URL_PATH_H
#define SPAN_URL_PATH_H

#include "span/saying.h"

enum { PATH_MOST = 512, URL_PATH_ROOM = 3 * PATH_MOST + 1 };

/* Of `path` PATH_MOST bytes are looked at. */
struct str url_path(const struct field_value *path, const struct field_value *raw,
		    char room[URL_PATH_ROOM]);

#endif
