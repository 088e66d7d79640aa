/* ELF files, processes and cores: what opens, what is read where, and what each bad one is told. */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake/fake.h"

Suite *image_suite(void);

static struct fake fake;
static struct image img;
static struct err err;

static void close_all(void)
{
	image_release(&img);
	fake_release(&fake);
}

START_TEST(opens_a_static_program)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 22 });
	ck_assert(fake_open(&fake, &img, &err));
	ck_assert_uint_eq(img.kind, IMAGE_FILE);
	ck_assert(!img.pie && !img.interp && !img.bias && !img.nsecs);
	ck_assert_uint_eq(img.nsegs, 3);
	ck_assert_uint_eq(img.entry_va, fake.base + fake.at_text);
	ck_assert_uint_eq(img.lo_va, 0x400000);
	ck_assert(img.segs[0].exec && !img.segs[0].write);
	ck_assert(img.segs[2].write && img.segs[2].size > img.segs[2].filesz);
}
END_TEST

START_TEST(gives_bytes_only_from_the_file_part_of_one_segment)
{
	const struct segment *data;
	u64 end, word = 1;
	struct rd r;

	fake_make(&fake, &(struct fake_wish){ .minor = 22 });
	ck_assert(fake_open(&fake, &img, &err));
	data = &img.segs[2];
	end = data->va + data->filesz;
	ck_assert_uint_eq(image_bytes(&img, end - 8, 8).n, 8);
	ck_assert_uint_eq(image_bytes(&img, end - 8, 9).n, 0);
	ck_assert_uint_eq(image_bytes(&img, end, 1).n, 0);
	ck_assert_uint_eq(image_bytes(&img, 8, 8).n, 0);
	ck_assert_uint_eq(image_bytes(&img, end - 8, ~(u64)0).n, 0);
	ck_assert_uint_eq(image_room(&img, end - 8), 8);
	ck_assert_uint_eq(image_room(&img, end), 0);
	ck_assert_uint_eq(image_off_of(&img, data->va + 3), data->off + 3);
	ck_assert_uint_eq(image_off_of(&img, end), ~(u64)0);
	ck_assert(image_u64(&img, end - 8, &word));
	ck_assert(!image_u64(&img, end - 7, &word));
	r = image_rd(&img, end, 8, "it");
	ck_assert(!rd_ok(&r, &err));
	ck_assert_str_eq(err.msg, "it: is not in the file, at +0");
	/* memory behind the file part is zero, and then ends */
	ck_assert(image_read(&img, end - 4, &word, 8));
	ck_assert(image_read(&img, data->va + data->size - 8, &word, 8));
	ck_assert_uint_eq(word, 0);
	ck_assert(!image_read(&img, data->va + data->size - 7, &word, 8));
	ck_assert(!image_read_rt(&img, end - 8, &word, 8));
}
END_TEST

START_TEST(applies_relocations_where_the_linker_left_zeros)
{
	u64 word = 0;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true, .zero_bytes = true });
	ck_assert_uint_eq(fake_get(&fake, fake.at_md, 8), 0);
	ck_assert(fake_open(&fake, &img, &err));
	ck_assert(img.pie);
	ck_assert(image_u64(&img, fake.base + fake.at_md, &word));
	ck_assert_uint_eq(word, fake.base + fake.at_pclntab);
}
END_TEST

START_TEST(ignores_relocations_to_nowhere)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true });
	fake_put(&fake, fake.at_relocs, 0xffffffffffff, 8);
	fake_put(&fake, fake.at_relocs + 24, fake.base + fake.bytes.n - 4, 8);
	ck_assert(fake_open(&fake, &img, &err));
}
END_TEST

/* The first relocation fills a thread-local's place in; the second one's bytes are symbol 1. */
static const struct {
	u64 size, align;	/* of the block */
	unsigned symbol, section, value;
	i64 addend, off;	/* 0: not known */
	unsigned type;
} thread_locals[] = {
	{ 8, 8, 1, 21, 0, 0, -8, R_X86_64_TPOFF64 },
	{ 40, 16, 1, 21, 16, 0, -32, R_X86_64_TPOFF64 },
	{ 40, 16, 0, 0, 0, 16, -32, R_X86_64_TPOFF64 },
	{ 40, 16, 1, 21, 16, 8, -24, R_X86_64_TPOFF64 },
	{ 8, 8, 1, 21, 8, 0, 0, R_X86_64_TPOFF64 },	/* behind the block */
	{ 8, 8, 0, 0, 0, -8, 0, R_X86_64_TPOFF64 },
	{ 8, 8, 1, SHN_UNDEF, 0, 0, 0, R_X86_64_TPOFF64 },	/* another file's */
	{ 8, 8, 0x7fffffff, 21, 0, 0, 0, R_X86_64_TPOFF64 },
	{ 8, 3, 1, 21, 0, 0, 0, R_X86_64_TPOFF64 },
	{ 8, 0, 1, 21, 0, 0, 0, R_X86_64_TPOFF64 },
	{ UINT64_MAX, 8, 1, 21, 0, 0, 0, R_X86_64_TPOFF64 },
	{ 8, 8, 1, 21, 0, 0, 0, R_X86_64_DTPOFF64 },
};

START_TEST(knows_where_the_loader_puts_a_thread_local)
{
	size_t tls, symbol;
	i64 off = 0;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true });
	tls = fake.at_phdrs + 3 * 56;
	fake_put(&fake, tls, PT_TLS, 4);
	fake_put(&fake, tls + 16, 0x12300, 8);
	fake_put(&fake, tls + 40, thread_locals[_i].size, 8);
	fake_put(&fake, tls + 48, thread_locals[_i].align, 8);
	fake_put(&fake, fake.at_relocs, fake.base + 0x1238, 8);
	fake_put(&fake, fake.at_relocs + 8, thread_locals[_i].type, 4);
	fake_put(&fake, fake.at_relocs + 12, thread_locals[_i].symbol, 4);
	fake_put(&fake, fake.at_relocs + 16, (u64)thread_locals[_i].addend, 8);
	symbol = fake.at_relocs + 24;
	fake_put(&fake, symbol + 6, thread_locals[_i].section, 2);
	fake_put(&fake, symbol + 8, thread_locals[_i].value, 8);
	fake_put(&fake, fake.bytes.n - 16, DT_SYMTAB, 8);	/* it was DT_NULL */
	fake_put(&fake, fake.bytes.n - 8, fake.base + fake.at_relocs, 8);
	ck_assert(fake_open(&fake, &img, &err));
	ck_assert_int_eq(image_tls_word(&img, fake.base + 0x1238, &off),
			 thread_locals[_i].off != 0);
	ck_assert_int_eq(off, thread_locals[_i].off);
	ck_assert(!image_tls_word(&img, fake.base + 0x1240, &off));
}
END_TEST

START_TEST(a_program_without_thread_locals_has_no_place_for_them)
{
	i64 off;

	fake_make(&fake, &(struct fake_wish){ .minor = 22 });
	ck_assert(fake_open(&fake, &img, &err));
	ck_assert(!image_tls_word(&img, fake.base + fake.at_text, &off));
}
END_TEST

START_TEST(reads_section_headers)
{
	const struct section *s;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .sections = true });
	ck_assert(fake_open(&fake, &img, &err));
	ck_assert_uint_eq(img.nsecs, 6);
	s = image_section(&img, ".gopclntab");
	ck_assert(s && s->alloc);
	ck_assert_uint_eq(s->va, fake.base + fake.at_pclntab);
	ck_assert_uint_eq(image_section_bytes(&img, s).n, fake.at_gofunc - fake.at_pclntab);
	ck_assert_uint_eq(image_section_bytes(&img, image_section(&img, ".bss")).n, 0);
	ck_assert(!image_section(&img, ".debug_info"));
	ck_assert(!img.secs_outside);
}
END_TEST

/* Each lie costs the section headers and nothing else. */
static const struct { size_t header, at; u64 value; unsigned size; bool outside; } lies[] = {
	{ 0, 40, ~(u64)0, 8, true },	/* their place */
	{ 0, 58, 40, 2, false },	/* their size */
	{ 0, 60, 60000, 2, true },	/* their number */
	{ 0, 62, 60, 2, false },	/* which has the names */
	{ 3, 24, 1u << 30, 8, true },	/* a section behind the end */
	{ 3, 32, ~(u64)0, 8, true },
	{ 3, 0, 1u << 30, 4, false },	/* a name behind the names */
};

START_TEST(does_without_section_headers_that_lie)
{
	size_t at;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .sections = true });
	at = lies[_i].header ? fake.at_shdrs + 64 * lies[_i].header : 0;
	fake_put(&fake, at + lies[_i].at, lies[_i].value, lies[_i].size);
	ck_assert_msg(fake_open(&fake, &img, &err), "%s", err.msg);
	ck_assert_uint_eq(img.nsecs, 0);
	ck_assert_int_eq(img.secs_outside, lies[_i].outside);
	ck_assert_uint_eq(img.nsegs, 3);
}
END_TEST

/* Names that all run on to the end of a large table: looked at one by one, they take minutes. */
START_TEST(is_not_held_up_by_long_names_of_sections)
{
	enum { TABLE = 16 << 20, SECTIONS = 1 << 16 };
	size_t names, headers;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .sections = true });
	names = fake.bytes.n;
	for (size_t i = 0; i < TABLE; i++)
		*vec_push(&fake.bytes) = i + 1 < TABLE ? 'x' : 0;
	headers = fake.bytes.n;
	for (size_t i = 0; i < SECTIONS * sizeof(Elf64_Shdr); i++)
		*vec_push(&fake.bytes) = 0;
	fake_put(&fake, headers + 32, SECTIONS, 8);
	fake_put(&fake, headers + 64 + 4, SHT_STRTAB, 4);
	fake_put(&fake, headers + 64 + 24, names, 8);
	fake_put(&fake, headers + 64 + 32, TABLE, 8);
	fake_put(&fake, 40, headers, 8);
	fake_put(&fake, 60, 0, 2);
	ck_assert_msg(fake_open(&fake, &img, &err), "%s", err.msg);
	ck_assert_uint_eq(img.nsecs, 0);
}
END_TEST

static const struct {
	size_t at;
	u64 value;
	unsigned size;
	enum err_kind kind;
	const char *says;
} bad[] = {
	{ 0, 0x2123, 2, ERR_FORMAT, "a script" },
	{ 0, 0x5a4d, 2, ERR_FORMAT, "a Windows program" },
	{ 0, 0xfeedfacf, 4, ERR_FORMAT, "a macOS program" },
	{ 0, 0x12345678, 4, ERR_FORMAT, "not a program (no ELF header)" },
	{ 4, ELFCLASS32, 1, ERR_UNSUPPORTED,
	  "a program for x86-64 (32 bit); goshawk knows x86-64 only" },
	{ 4, 7, 1, ERR_FORMAT, "unknown ELF class" },
	{ 5, ELFDATA2MSB, 1, ERR_UNSUPPORTED, "(big endian)" },
	{ 16, ET_REL, 2, ERR_FORMAT, "an object file" },
	{ 16, 77, 2, ERR_FORMAT, "ELF type 77" },
	{ 18, EM_AARCH64, 2, ERR_UNSUPPORTED, "a program for arm64; goshawk knows x86-64 only" },
	{ 18, 999, 2, ERR_UNSUPPORTED, "another machine" },
	{ 32, 1u << 30, 8, ERR_FORMAT, "program headers lie outside" },
	{ 54, 32, 2, ERR_FORMAT, "program headers lie outside" },
	{ 56, 0, 2, ERR_FORMAT, "nothing to load" },
	{ 64 + 32, 1u << 30, 8, ERR_FORMAT, "truncated: a segment lies at 0+0x40000000" },
	{ 64 + 40, 1, 8, ERR_FORMAT, "makes no sense" },
	{ 64 + 16, ~(u64)0 << 20, 8, ERR_FORMAT, "makes no sense" },
};

START_TEST(says_what_is_wrong_with_a_file)
{
	fake_make(&fake, &(struct fake_wish){ .minor = 22 });
	fake_put(&fake, bad[_i].at, bad[_i].value, bad[_i].size);
	ck_assert(!fake_open(&fake, &img, &err));
	ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s", err.msg);
	ck_assert_msg(!strncmp(err.msg, "/proc/self/fd/", 14), "%s", err.msg);
	ck_assert_int_eq(err.kind, bad[_i].kind);
}
END_TEST

static bool opens(const char *path)
{
	bool ok = image_open(&img, path, &err);

	image_release(&img);
	return ok;
}

START_TEST(says_what_is_wrong_with_a_path)
{
	char path[] = "/tmp/goshawk-image-XXXXXX", fifo[64];

	ck_assert(!opens("/no/such/file"));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(err.msg, "/no/such/file: no such file");
	ck_assert(!opens("/"));
	ck_assert_str_eq(err.msg, "/: a directory, not a program");
	ck_assert_int_eq(err.kind, ERR_FORMAT);
	close(mkstemp(path));
	ck_assert(!opens(path));
	ck_assert_msg(strstr(err.msg, ": an empty file"), "%s", err.msg);
	if (geteuid()) {
		chmod(path, 0);
		ck_assert(!opens(path));
		ck_assert_int_eq(err.kind, ERR_DENIED);
	}
	unlink(path);
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	ck_assert(!mkfifo(fifo, 0600));
	ck_assert(!opens(fifo));	/* and does not wait for a writer */
	unlink(fifo);
	ck_assert_msg(strstr(err.msg, ": not a regular file"), "%s", err.msg);
}
END_TEST

/* Whatever prefix of a file is there: an error with a sentence, or all segments. */
START_TEST(survives_every_truncation)
{
	size_t n;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true, .sections = true });
	for (n = 1; n < fake.bytes.n; n++) {
		if (image_open(&img, fake_path(&fake, n), &err))
			ck_assert_uint_eq(img.nsegs, 3);
		else
			ck_assert_int_eq(err.kind, ERR_FORMAT);
		image_release(&img);
	}
}
END_TEST

static int some_data = 42;

START_TEST(reads_a_process)
{
	int now;

	ck_assert_msg(image_open_pid(&img, getpid(), &err), "%s", err.msg);
	ck_assert_uint_eq(img.kind, IMAGE_PROCESS);
	ck_assert(str_ends(img.path, STR("/unit")));
	ck_assert_uint_eq(img.entry_va + img.bias, getauxval(AT_ENTRY));
	some_data = 43;
	ck_assert(image_read(&img, (u64)(uintptr_t)&some_data - img.bias, &now, sizeof(now)));
	ck_assert_int_eq(now, 43);
	ck_assert(image_is_made_of(&img, "/proc/self/exe"));
	ck_assert(!image_is_made_of(&img, "/dev/null"));
	ck_assert(image_read_rt(&img, (u64)(uintptr_t)&now, &now, sizeof(now)));
	ck_assert(!image_read_rt(&img, 0, &now, sizeof(now)));
}
END_TEST

START_TEST(says_that_a_process_is_not_there)
{
	int pid;

	ck_assert(!image_open_pid(&img, 0x3fffffff, &err));
	ck_assert_int_eq(err.kind, ERR_GONE);
	ck_assert_str_eq(err.msg, "process 1073741823: no such process, or it has ended");
	ck_assert(!process_named("no-such-goshawk-test", &pid, &err));
	ck_assert_int_eq(err.kind, ERR_GONE);
}
END_TEST

/* A core of the fake, whose executable lies at `exe`: notes, and two dumped pieces of memory. */
struct core {
	VEC(u8) bytes;
	size_t at_data, at_auxv;
};

static void add(struct core *c, u64 value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		*vec_push(&c->bytes) = (u8)(value >> 8 * i);
}

static void add_phdr(struct core *c, u32 type, u64 off, u64 rt, u64 size)
{
	add(c, type, 4);
	add(c, 0, 4);
	add(c, off, 8);
	add(c, rt, 8);
	add(c, 0, 8);
	add(c, size, 8);
	add(c, size, 8);
	add(c, 0, 8);
}

enum { BIAS = 0x555000000000 };

static void core_make(struct core *c, const char *exe)
{
	size_t notes, name = strlen(exe) + 1, nfile = 16 + 24 + name;

	*c = (struct core){ 0 };
	for (size_t i = 0; i < 16; i++)
		add(c, fake.bytes.at[i], 1);
	add(c, ET_CORE, 2);
	add(c, EM_X86_64, 2);
	add(c, 1, 4);
	add(c, 0, 8);
	add(c, 64, 8);
	add(c, 0, 8);
	add(c, 64u << 16 | 56ull << 48, 8);	/* flags 0, then sizes */
	add(c, 0, 8);
	c->bytes.at[54] = 56;
	c->bytes.at[56] = 3;
	c->bytes.n = 64;
	notes = 64 + 3 * 56;
	add_phdr(c, PT_NOTE, notes, 0, 12 + 8 + 64 + 12 + 8 + nfile);
	c->at_data = notes + round_up(12 + 8 + 64 + 12 + 8 + nfile, 8);
	add_phdr(c, PT_LOAD, c->at_data, BIAS + fake.base + fake.at_md, 16);
	add_phdr(c, PT_LOAD, c->at_data + 16, 0xc000000000, 16);
	add(c, 5, 4);
	add(c, 64, 4);
	add(c, NT_AUXV, 4);
	add(c, 0x45524f43, 8);	/* CORE */
	c->at_auxv = c->bytes.n;
	add(c, AT_ENTRY, 8);
	add(c, BIAS + fake.base + fake.at_text, 8);
	add(c, AT_PHDR, 8);
	add(c, BIAS + fake.base + 64, 8);
	for (int i = 0; i < 4; i++)
		add(c, 0, 8);
	add(c, 5, 4);
	add(c, nfile, 4);
	add(c, NT_FILE, 4);
	add(c, 0x45524f43, 8);
	add(c, 1, 8);
	add(c, 4096, 8);
	add(c, BIAS + fake.base, 8);
	add(c, BIAS + fake.base + 4096, 8);
	add(c, 0, 8);
	for (size_t i = 0; i < name; i++)
		add(c, (u8)exe[i], 1);
	while (c->bytes.n < c->at_data)
		add(c, 0, 1);
	add(c, 0x1111, 8);
	add(c, 0x2222, 8);
	add(c, 0x3333, 8);
	add(c, 0x4444, 8);
}

static bool core_open_bytes(const struct core *c, size_t n)
{
	struct fake file = { .fd = -1 };
	bool ok;

	file.bytes.at = c->bytes.at;
	file.bytes.n = n;
	ok = image_open(&img, fake_path(&file, n), &err);
	close(file.fd);
	return ok;
}

START_TEST(reads_a_core_and_its_executable)
{
	char exe[64];
	struct core c;
	u64 word = 0;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true });
	snprintf(exe, sizeof(exe), "%s", fake_path(&fake, fake.bytes.n));
	core_make(&c, exe);
	ck_assert_msg(core_open_bytes(&c, c.bytes.n), "%s", err.msg);
	ck_assert_uint_eq(img.kind, IMAGE_CORE);
	ck_assert_uint_eq(img.bias, BIAS);
	ck_assert(image_read(&img, fake.base + fake.at_md, &word, 8));
	ck_assert_uint_eq(word, 0x1111);
	/* what was not dumped comes from the file; a read may begin in one and end in the other */
	ck_assert(image_read(&img, fake.base + fake.at_md + 12, &word, 8));
	ck_assert_uint_eq((u32)word, 0);
	ck_assert(image_read(&img, fake.base + fake.at_text, &word, 8));
	ck_assert_uint_eq(word, 0xcccccccccccccccc);
	ck_assert(image_read_rt(&img, 0xc000000008, &word, 8));
	ck_assert_uint_eq(word, 0x4444);
	ck_assert(image_is_made_of(&img, exe));
	ck_assert(image_is_made_of(&img, img.core_path.p));
	ck_assert(!image_is_made_of(&img, "/dev/null"));
	ck_assert(!image_read_rt(&img, 0xc000000009, &word, 8));
	image_release(&img);
	for (size_t n = 1; n < c.bytes.n; n++) {	/* cut cores keep what is there */
		(void)!core_open_bytes(&c, n);
		image_release(&img);
	}
	ck_assert(core_open_bytes(&c, c.bytes.n - 4));
	ck_assert(!image_read_rt(&img, 0xc000000008, &word, 8));
	image_release(&img);
	fake_put(&(struct fake){ .bytes = { c.bytes.at, c.bytes.n, 0 } }, c.at_auxv + 8, 1, 8);
	ck_assert(!core_open_bytes(&c, c.bytes.n));
	ck_assert_msg(strstr(err.msg, "does not run"), "%s", err.msg);
	vec_release(&c.bytes);
}
END_TEST

/* The first page was dumped: that of the fake, but for one byte. */
static bool opens_with_first_page(size_t other)
{
	char exe[64];
	struct core c;
	struct fake bytes = { .fd = -1 };
	size_t at, n = fake.at_note + 24;
	bool ok;

	snprintf(exe, sizeof(exe), "%s", fake_path(&fake, fake.bytes.n));
	core_make(&c, exe);
	at = c.bytes.n;
	for (size_t i = 0; i < n; i++)
		add(&c, fake.bytes.at[i] ^ (i == other), 1);
	bytes.bytes.at = c.bytes.at;
	fake_put(&bytes, 64 + 56 + 8, at, 8);
	fake_put(&bytes, 64 + 56 + 16, BIAS + fake.base, 8);
	fake_put(&bytes, 64 + 56 + 32, n, 8);
	ok = core_open_bytes(&c, c.bytes.n);
	image_release(&img);
	vec_release(&c.bytes);
	return ok;
}

START_TEST(tells_a_core_of_another_build)
{
	size_t places[] = { offsetof(Elf64_Ehdr, e_shoff), offsetof(Elf64_Phdr, p_filesz), 16 };

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true });
	places[1] += fake.at_phdrs;
	places[2] += fake.at_note;
	ck_assert_msg(opens_with_first_page(SIZE_MAX), "%s", err.msg);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		ck_assert_msg(!opens_with_first_page(places[i]), "%zu", i);
		ck_assert_int_eq(err.kind, ERR_FORMAT);
		ck_assert_msg(strstr(err.msg, "was not written by the /proc/self/fd/") != NULL,
			      "%s", err.msg);
	}
}
END_TEST

START_TEST(says_what_a_core_lacks)
{
	struct core c;

	fake_make(&fake, &(struct fake_wish){ .minor = 22, .pie = true });
	core_make(&c, "/no/such/exe");
	ck_assert(!core_open_bytes(&c, c.bytes.n));
	ck_assert_msg(strstr(err.msg, "its executable /no/such/exe: no such file"), "%s", err.msg);
	ck_assert_int_eq(err.kind, ERR_IO);
	image_release(&img);
	fake_put(&(struct fake){ .bytes = { c.bytes.at, c.bytes.n, 0 } }, c.at_auxv, 0, 8);
	ck_assert(!core_open_bytes(&c, c.bytes.n));
	ck_assert_msg(strstr(err.msg, "without the program's auxiliary vector"), "%s", err.msg);
	vec_release(&c.bytes);
}
END_TEST

Suite *image_suite(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("image");

	tcase_add_checked_fixture(t, NULL, close_all);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, opens_a_static_program);
	tcase_add_test(t, gives_bytes_only_from_the_file_part_of_one_segment);
	tcase_add_test(t, applies_relocations_where_the_linker_left_zeros);
	tcase_add_test(t, ignores_relocations_to_nowhere);
	tcase_add_loop_test(t, knows_where_the_loader_puts_a_thread_local, 0,
			    ARRAY_LEN(thread_locals));
	tcase_add_test(t, a_program_without_thread_locals_has_no_place_for_them);
	tcase_add_test(t, reads_section_headers);
	tcase_add_loop_test(t, does_without_section_headers_that_lie, 0, ARRAY_LEN(lies));
	tcase_add_test(t, is_not_held_up_by_long_names_of_sections);
	tcase_add_loop_test(t, says_what_is_wrong_with_a_file, 0, ARRAY_LEN(bad));
	tcase_add_test(t, says_what_is_wrong_with_a_path);
	tcase_add_test(t, survives_every_truncation);
	tcase_add_test(t, reads_a_process);
	tcase_add_test(t, says_that_a_process_is_not_there);
	tcase_add_test(t, reads_a_core_and_its_executable);
	tcase_add_test(t, tells_a_core_of_another_build);
	tcase_add_test(t, says_what_a_core_lacks);
	suite_add_tcase(s, t);
	return s;
}
