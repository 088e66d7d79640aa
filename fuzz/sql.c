/* A text of SQL, whose first byte says which database it is for: what becomes of it has its size,
 * and no quote of a literal in it but within the quotes of a name. */
#include <stdlib.h>
#include <string.h>

#include "span/sql_text.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	static struct sql_text t;
	enum sql_dialect dialect;
	char name = 0;

	if (!n)
		return 0;
	dialect = (enum sql_dialect)(data[0] % (SQL_ORACLE + 1));
	sql_text_of(&t, dialect, (struct str){ (const char *)data + 1, n - 1 }, data[0] & 0x80);
	if (t.ntext > sizeof(t.text) || t.nsummary > SQL_SUMMARY_MOST)
		abort();
	for (size_t i = 0; i < t.ntext; i++) {
		char c = t.text[i];

		if (c == name)
			name = 0;
		else if (!name && (c == '"' || c == '`'))
			name = c;
		if (c == '\'' && !name)
			abort();
	}
	return 0;
}
