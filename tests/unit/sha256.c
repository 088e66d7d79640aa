/* SHA-256 by the examples of FIPS 180-4, in pieces of all sizes, and HMAC with a key of zeros. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"

Suite *sha256_suite(void);

static void hex(const u8 *p, char *to)
{
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		snprintf(to + 2 * i, 3, "%02x", p[i]);
}

static const struct {
	const char *text, *sum, *hmac;
} examples[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	  "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", NULL },
};

START_TEST(sums_as_the_standard_says)
{
	const char *text = examples[_i].text;
	char got[2 * SHA256_SIZE + 1];
	u8 sum[SHA256_SIZE];

	for (size_t step = 1; step <= strlen(text) + 1; step++) {
		struct sha256 s;

		sha256_begin(&s);
		for (size_t at = 0; at < strlen(text); at += step)
			sha256_add(&s, text + at, MIN(step, strlen(text) - at));
		sha256_end(&s, sum);
		hex(sum, got);
		ck_assert_str_eq(got, examples[_i].sum);
	}
	if (examples[_i].hmac) {
		struct sha256 s;

		hmac0_begin(&s);
		sha256_add(&s, text, strlen(text));
		hmac0_end(&s, sum);
		hex(sum, got);
		ck_assert_str_eq(got, examples[_i].hmac);
	}
}
END_TEST

START_TEST(sums_a_million_letters)
{
	char got[2 * SHA256_SIZE + 1];
	u8 sum[SHA256_SIZE];
	struct sha256 s;

	sha256_begin(&s);
	for (unsigned i = 0; i < 1000000; i++)
		sha256_add(&s, "a", 1);
	sha256_end(&s, sum);
	hex(sum, got);
	ck_assert_str_eq(got, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

Suite *sha256_suite(void)
{
	Suite *s = suite_create("sha256");
	TCase *t = tcase_create("sha256");

	tcase_add_loop_test(t, sums_as_the_standard_says, 0, ARRAY_LEN(examples));
	tcase_add_test(t, sums_a_million_letters);
	suite_add_tcase(s, t);
	return s;
}
