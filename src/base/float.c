/* Numbers as Go prints them (strconv/ftoa.go, format 'g' with the shortest precision, which is what
 * fmt's %v uses: an exponent below 1e-4 and from 1e6 on). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"

static bool reads_back(const char *text, double v, int bits)
{
	return bits == 32 ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

/* "d.ddde±x" with the fewest digits that read back as v. What has at most 15 (6) decimal digits
 * reads back from 15 (6) of them, so the search begins there: the zeros at the end are dropped
 * later. Denormal numbers have fewer significant digits than that. */
static void shortest(char *text, size_t room, double v, int bits)
{
	double least = bits == 32 ? 1.17549435e-38 : 2.2250738585072014e-308;
	int n = v < least && v > -least ? 1 : bits == 32 ? 6 : 15;

	for (;; n++) {
		snprintf(text, room, "%.*e", n - 1, v);
		if (n >= (bits == 32 ? 9 : 17) || reads_back(text, v, bits))
			return;
	}
}

void out_float(struct out *o, double v, int bits)
{
	char text[40], figures[24] = "0", *e;
	int n = 0, exp;

	if (v != v) {
		out_z(o, "NaN");
		return;
	}
	if (v - v != 0) {
		out_z(o, v > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (v > -1e6 && v < 1e6 && v == (double)(i64)v && (v != 0 || !__builtin_signbit(v))) {
		out_i64(o, (i64)v);
		return;
	}
	shortest(text, sizeof(text), v, bits);
	e = strchr(text, 'e');
	exp = (int)strtol(e + 1, NULL, 10);
	for (char *p = text; p < e; p++)
		if (*p >= '0' && *p <= '9')
			figures[n++] = *p;
	while (n > 1 && figures[n - 1] == '0')
		n--;
	if (text[0] == '-')
		out_c(o, '-');
	if (exp < -4 || exp >= 6) {
		out_c(o, figures[0]);
		if (n > 1)
			out_c(o, '.');
		out_str(o, (struct str){ figures + 1, (size_t)n - 1 });
		out_fmt(o, "e%c%02d", exp < 0 ? '-' : '+', abs(exp));
		return;
	}
	for (int i = MIN(exp, 0); i < MAX(n, exp + 1); i++) {
		if (i == exp + 1)
			out_c(o, '.');
		out_c(o, i >= 0 && i < n ? figures[i] : '0');
	}
}
