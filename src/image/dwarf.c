#include "image/dwarf.h"

#include <string.h>

enum { EHDR = sizeof(Elf64_Ehdr), SHDR = sizeof(Elf64_Shdr), MAX_SECTIONS = 16 };

/* What names, types and the addresses of functions need; and the places of what they keep. The rest
 * (lines, frames) would only be decompressed for nothing. */
enum { FOR_PLACES = 2 };
static const char *const wanted[] = {
	"debug_loc", "debug_loclists",
	"debug_info", "debug_abbrev", "debug_str", "debug_line_str", "debug_str_offsets",
	"debug_addr", "debug_ranges", "debug_rnglists",
};

static bool is_wanted(struct str name, bool places)
{
	struct str plain = str_cut(name, str_starts(name, STR(".z")) ? 2 : 1, name.n);

	for (size_t i = places ? 0 : FOR_PLACES; i < ARRAY_LEN(wanted); i++)
		if (str_eq(plain, str_of(wanted[i])))
			return true;
	return false;
}

/* Header, section headers, section names, then the sections, each aligned to 8. */
struct copy {
	u8 *at;
	size_t size;
	const struct section *from[MAX_SECTIONS];
	size_t n;
};

static void choose(struct copy *c, const struct image *img, bool places)
{
	c->size = EHDR + (MAX_SECTIONS + 2) * SHDR;
	for (size_t i = 0; i < img->nsecs && c->n < MAX_SECTIONS; i++) {
		const struct section *s = &img->secs[i];

		if (!s->size || !str_starts(s->name, STR(".")) || !is_wanted(s->name, places))
			continue;
		c->from[c->n++] = s;
		c->size += s->name.n + 1 + round_up(s->size, 8) + 8;
	}
}

static void fill(struct copy *c, const struct image *img)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)c->at;
	Elf64_Shdr *sections = (Elf64_Shdr *)(c->at + EHDR);
	size_t names = EHDR + (c->n + 2) * SHDR, name = names + 1, at;
	Elf64_Shdr *last = &sections[c->n + 1];

	*head = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					   EV_CURRENT },
			      .e_type = ET_EXEC,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_shoff = EHDR,
			      .e_ehsize = EHDR,
			      .e_shentsize = SHDR,
			      .e_shnum = (u16)(c->n + 2),
			      .e_shstrndx = (u16)(c->n + 1) };
	for (size_t i = 0; i < c->n; i++) {
		const struct section *s = c->from[i];

		sections[i + 1] = (Elf64_Shdr){ .sh_name = (u32)(name - names),
						.sh_type = SHT_PROGBITS,
						.sh_flags = s->compressed ? SHF_COMPRESSED : 0,
						.sh_size = s->size,
						.sh_addralign = 1 };
		memcpy(c->at + name, s->name.p, s->name.n);
		name += s->name.n + 1;
	}
	*last = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = name - names,
			      .sh_addralign = 1 };
	at = round_up(name, 8);
	for (size_t i = 0; i < c->n; i++) {
		struct str bytes = image_section_bytes(img, c->from[i]);

		sections[i + 1].sh_offset = at;
		sections[i + 1].sh_size = bytes.n;
		memcpy(c->at + at, bytes.p, bytes.n);
		at = round_up(at + bytes.n, 8);
	}
}

static void remember_entries(struct debug *d, const Elf_Data *data)
{
	if (data && data->d_buf)
		d->entries = (struct str){ data->d_buf, data->d_size };
}

bool debug_open(struct debug *d, const struct image *img, bool places)
{
	struct copy c = { 0 };

	*d = (struct debug){ 0 };
	choose(&c, img, places);
	if (!c.n)
		return false;
	c.at = memset(mem_resize(NULL, c.size), 0, c.size);
	fill(&c, img);
	d->copy = c.at;
	elf_version(EV_CURRENT);
	d->elf = elf_memory((char *)c.at, c.size);
	d->dw = d->elf ? dwarf_begin_elf(d->elf, DWARF_C_READ, NULL) : NULL;
	for (size_t i = 0; d->dw && i < c.n; i++)
		if (str_ends(c.from[i]->name, STR("debug_info")))
			remember_entries(d, elf_rawdata(elf_getscn(d->elf, i + 1), NULL));
	if (d->entries.n)
		return true;
	debug_release(d);
	return false;
}

void debug_release(struct debug *d)
{
	if (d->dw)
		dwarf_end(d->dw);
	if (d->elf)
		elf_end(d->elf);
	mem_free(d->copy);
	*d = (struct debug){ 0 };
}

bool debug_unit(const struct debug *d, u64 *at, Dwarf_Die *unit)
{
	for (;;) {
		Dwarf_Off next;
		size_t header;

		if (dwarf_nextcu(d->dw, *at, &next, &header, NULL, NULL, NULL) != 0 || next <= *at)
			return false;
		if (dwarf_offdie(d->dw, *at + header, unit)) {
			*at = next;
			return true;
		}
		*at = next;
	}
}

bool debug_entry(const struct debug *d, u64 offset, Dwarf_Die *die)
{
	return dwarf_offdie(d->dw, offset, die);
}

bool debug_child(Dwarf_Die *die, Dwarf_Die *child)
{
	u64 here = debug_offset(die);

	return dwarf_child(die, child) == 0 && debug_offset(child) > here;
}

/* DW_AT_sibling may point anywhere: only forward is believed. */
bool debug_next(Dwarf_Die *die, Dwarf_Die *next)
{
	u64 here = debug_offset(die);

	return dwarf_siblingof(die, next) == 0 && debug_offset(next) > here;
}

/* libdw gives texts that stand in .debug_info itself unchecked: one may run past the end. */
struct str debug_text(const struct debug *d, Dwarf_Die *die, unsigned attribute)
{
	Dwarf_Attribute a;
	const char *z = dwarf_attr(die, attribute, &a) ? dwarf_formstring(&a) : NULL;
	const char *end = d->entries.p + d->entries.n;

	if (!z || (z >= d->entries.p && z < end && !memchr(z, 0, (size_t)(end - z))))
		return STR("");
	return str_of(z);
}

bool debug_number(Dwarf_Die *die, unsigned attribute, u64 *to)
{
	Dwarf_Attribute a;
	Dwarf_Addr va;
	Dwarf_Word v;
	bool flag;

	if (!dwarf_attr(die, attribute, &a))
		return false;
	if (dwarf_formudata(&a, &v) == 0)
		*to = v;
	else if (dwarf_formaddr(&a, &va) == 0)
		*to = va;
	else if (dwarf_formflag(&a, &flag) == 0)
		*to = flag;
	else
		return false;
	return true;
}

bool debug_ref(Dwarf_Die *die, unsigned attribute, Dwarf_Die *to)
{
	Dwarf_Attribute a;

	return dwarf_attr(die, attribute, &a) && dwarf_formref_die(&a, to);
}

bool debug_flag(Dwarf_Die *die, unsigned attribute)
{
	u64 v = 0;

	return debug_number(die, attribute, &v) && v;
}

bool debug_low_pc(Dwarf_Die *die, u64 *va)
{
	Dwarf_Addr a;

	if (dwarf_lowpc(die, &a) != 0)
		return false;
	*va = a;
	return true;
}

/* DW_OP_addr and 8 bytes: the linker writes no other form for a package's variable. */
bool debug_location(Dwarf_Die *die, u64 *va)
{
	Dwarf_Attribute a;
	Dwarf_Block block;

	if (!dwarf_attr(die, DW_AT_location, &a) || dwarf_formblock(&a, &block) != 0 ||
	    block.length != 1 + sizeof(*va) || block.data[0] != DW_OP_addr)
		return false;
	memcpy(va, block.data + 1, sizeof(*va));
	return true;
}

bool debug_range(Dwarf_Die *unit, struct debug_range *r)
{
	ptrdiff_t before = r->at;

	r->at = dwarf_ranges(unit, r->at, &r->base, &r->lo, &r->hi);
	return r->at > before;
}

/* One place all the time. libdw's own reader refuses it where the form is an old one (block1),
 * which is what Go's linker writes. */
static bool one_place(Dwarf_Attribute *a, struct debug_piece *to)
{
	Dwarf_Block block;
	struct rd r;
	u8 op, byte;
	u64 v = 0;
	unsigned shift = 0;

	if (dwarf_formblock(a, &block) != 0)
		return false;
	r = rd_of(block.data, block.length, "a variable's place");
	op = rd_u8(&r);
	*to = (struct debug_piece){ .size = UINT32_MAX, .known = true };
	if (op == DW_OP_call_frame_cfa)
		return !r.bad && !rd_left(&r);
	if (op != DW_OP_fbreg)
		return false;
	do {	/* a signed LEB128 */
		byte = rd_u8(&r);
		v |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 63 && !r.bad);
	if (byte & 0x40)
		v |= ~0ull << shift;
	to->off = (i64)v;
	return !r.bad && !rd_left(&r);
}

/* Go's compiler says of some values where one of their words is as if that were all of it. It shows
 * where the word is in a register at another time (one that is no vector). */
static bool is_a_word_of(Dwarf_Attribute *a, u64 size)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;
	Dwarf_Op *ops;
	size_t n;

	while (size > 8 && (at = dwarf_getlocations(a, at, &base, &lo, &hi, &ops, &n)) > 0)
		if (n == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg15)
			return true;
	return false;
}

/* What the compiler writes: the frame's base or an offset from it, alone or with how many bytes of
 * the value are there; registers and computed values are no places in memory. */
size_t debug_pieces(Dwarf_Die *die, u64 va, u64 size, struct debug_piece *to, size_t most)
{
	Dwarf_Attribute a;
	Dwarf_Op *ops;
	size_t nops, n = 0;
	u64 at = 0;
	struct debug_piece p = { 0 };

	if (!most || !dwarf_attr(die, DW_AT_location, &a))
		return 0;
	if (one_place(&a, &to[0]))
		return 1;
	if (dwarf_getlocation_addr(&a, va, &ops, &nops, 1) != 1)
		return 0;
	if (nops == 1 && (ops[0].atom == DW_OP_call_frame_cfa || ops[0].atom == DW_OP_fbreg)) {
		if (is_a_word_of(&a, size))
			return 0;
		to[0] = (struct debug_piece){
			.size = UINT32_MAX,
			.off = ops[0].atom == DW_OP_fbreg ? (i64)ops[0].number : 0,
			.known = true,
		};
		return 1;
	}
	for (size_t i = 0; i < nops && n < most; i++) {
		if (ops[i].atom != DW_OP_piece) {
			bool first = !i || ops[i - 1].atom == DW_OP_piece;

			p.known = first && (ops[i].atom == DW_OP_call_frame_cfa ||
					    ops[i].atom == DW_OP_fbreg);
			p.off = ops[i].atom == DW_OP_fbreg ? (i64)ops[i].number : 0;
			continue;
		}
		if (at + ops[i].number > UINT32_MAX)
			break;
		if (p.known)
			to[n++] = (struct debug_piece){ (u32)at, (u32)ops[i].number, p.off, true };
		at += ops[i].number;
		p.known = false;
	}
	return n;
}

bool debug_moves(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	Dwarf_Block block;

	return dwarf_attr(die, DW_AT_location, &a) && dwarf_formblock(&a, &block) != 0;
}

bool debug_covers(Dwarf_Die *die, u64 va)
{
	return dwarf_haspc(die, va) == 1;
}
