/* Maps, as each release lays them out. */
#include "valued.h"

#include "go/release.h"

Suite *valuemaps_suite(void);

static struct go_type t_hmap =
	TYPE(NAMED("map[string]int"), .kind = GO_MAP, .size = 8, .key = &t_string, .elem = &t_int,
	     .map = { .layout = GO_MAP_HMAP, .key_size = 16, .elem_size = 8, .bucket_size = 208 });
static struct go_type t_swiss =
	TYPE(NAMED("map[int]int"), .kind = GO_MAP, .size = 8, .key = &t_int, .elem = &t_int,
	     .map = { .layout = GO_MAP_SWISS, .group_size = 136, .keys_off = 8, .key_stride = 16,
		      .elems_off = 16, .elem_stride = 16 });

START_TEST(maps_to_1_23)
{
	fresh();
	shows(&t_hmap, 8, "nil", TYPED("map[string]int", "'value':null"));
	put(VALUE_AT, 0xc000040000);
	lead(READ_MEM, VALUE_AT, 64, 48, 48);
	shows(&t_hmap, 8, "map[string]int{}", TYPED("map[string]int", "'value':[]"));
	put(64, 3);
	put(80, 0xc000050000);
	lead(READ_MEM, 80, 128, 208, 208);
	/* slot 0 was evacuated, 1 is live, 2 empty, 3 live */
	memcpy(record.bytes + 128, (u8[]){ 2, 5, 1, 200, 0, 0, 0, 0 }, 8);
	put_string(128 + 8 + 16, 352, "a");
	put_string(128 + 8 + 48, 432, "b");
	put(128 + 136 + 8, 1);
	put(128 + 136 + 24, 2);
	shows(&t_hmap, 8, "map[string]int{\"a\":1, \"b\":2}…(3)",
	      TYPED("map[string]int", "'value':[['a',1],['b',2]],'len':3"));
	put(64, 2);
	shows(&t_hmap, 8, "map[string]int{\"a\":1, \"b\":2}",
	      TYPED("map[string]int", "'value':[['a',1],['b',2]]"));
	t_hmap.map.indirect_elem = true;
	shows(&t_hmap, 8, "map[string]int{\"a\":?, \"b\":?}",
	      TYPED("map[string]int", "'value':[['a',{'error':'not captured'}],"
				      "['b',{'error':'not captured'}]]"));
	t_hmap.map.indirect_elem = false;
	view.elements = 1;
	shows(&t_hmap, 8, "map[string]int{\"a\":1}…(2)",
	      TYPED("map[string]int", "'value':[['a',1]],'len':2"));
}
END_TEST

static void group(u32 at)
{
	/* slot 0 full, 1 deleted, 2 full, the others empty */
	memcpy(record.bytes + at, (u8[]){ 0x11, 0xfe, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x80 }, 8);
	put(at + 8, 10);
	put(at + 16, 100);
	put(at + 8 + 32, 30);
	put(at + 16 + 32, 300);
}

START_TEST(maps_from_1_24)
{
	const char *json = TYPED("map[int]int", "'value':[[10,100],[30,300]]");

	fresh();
	put(VALUE_AT, 0xc000040000);
	lead(READ_MEM, VALUE_AT, 64, 48, 48);
	put(64, 2);
	put(80, 0xc000050000);
	reads[reading.nreads++] = (struct read){ .kind = READ_WHEN, .size = 1, .when_at = 88 };
	lead(READ_MEM, 80, 120, 136, 136);
	reads[reading.nreads++] = (struct read){ .kind = READ_WHEN, .size = 3, .when_at = 88,
						 .when_not = true };
	lead(READ_MEM, 80, 120, 8, 136);
	lead(READ_MEM, 120, 136, 32, 32);
	lead(READ_MEM, 152, 176, 136, 136);
	put(112, 136);
	group(120);
	shows(&t_swiss, 8, "map[int]int{10:100, 30:300}", json);
	/* a directory: its first table, and that one's first group */
	put(88, 4);
	put(112, 8);
	put(120, 0xc000060000);
	put(128, 32);
	put(152, 0xc000070000);
	put(168, 136);
	group(176);
	shows(&t_swiss, 8, "map[int]int{10:100, 30:300}", json);
}
END_TEST

Suite *valuemaps_suite(void)
{
	Suite *s = suite_create("valuemaps");
	TCase *t = tcase_create("valuemaps");

	tcase_add_test(t, maps_to_1_23);
	tcase_add_test(t, maps_from_1_24);
	suite_add_tcase(s, t);
	return s;
}
