#include "out/attribute.h"

void attribute_text(struct out *o, const struct span_attr *a)
{
	switch (a->kind) {
	case ATTR_TEXT:
		out_clean(o, a->text);
		break;
	case ATTR_INT:
		out_i64(o, a->number);
		break;
	case ATTR_FLOAT:
		out_float(o, a->real, 64);
		break;
	case ATTR_BOOL:
		out_z(o, a->truth ? "true" : "false");
		break;
	}
}
