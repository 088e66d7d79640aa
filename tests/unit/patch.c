#include "code.h"

#include "../tools/sound.h"

Suite *patch_suite(void);

/* Code in, windows out. The text says, in order: what the entry got; each window as AT+SIZE with
 * its marks (entry/N: the record comes behind N instructions; faults; inner: branches from
 * elsewhere lead into it); landings as =AT; each exit as AT:TACTIC or AT:REFUSAL. */
struct example {
	const char *what, *hex, *windows;
};

static struct arena arena;

static const char *described(const struct flow *f, const struct patches *p)
{
	struct str s = p->entry ? str_fmt(&arena, "refused %s", refusal_name(p->entry)) : STR("");

	for (u32 k = 0; k < p->nwindows; k++) {
		const struct window *w = &p->windows[k];

		s = str_fmt(&arena, "%.*s%s%u+%u", STR_F(s), s.n ? " " : "", w->at, w->size);
		if (w->entry)
			s = str_fmt(&arena, "%.*s entry/%u", STR_F(s), w->record_after);
		s = str_fmt(&arena, "%.*s%s%s", STR_F(s), w->may_fault ? " faults" : "",
			    w->inner ? " inner" : "");
	}
	for (u32 k = 0; k < p->nlandings; k++)
		s = str_fmt(&arena, "%.*s =%u", STR_F(s), f->insns[p->landings[k].first].at);
	for (u32 k = 0; k < p->nexits; k++) {
		const struct exit_point *e = &p->exits[k];
		u32 at = f->insns[e->insn].at;

		if (e->refusal)
			s = str_fmt(&arena, "%.*s; %u:%s", STR_F(s), at, refusal_name(e->refusal));
		else
			s = str_fmt(&arena, "%.*s; %u:%u", STR_F(s), at, e->tactic);
	}
	return str_z(&arena, s);
}

static void expect(const char *what, const struct flow *f, const char *windows)
{
	struct patches p;
	const char *is, *bad;

	patches_make(&p, &arena, f);
	is = described(f, &p);
	ck_assert_msg(!strcmp(is, windows), "%s:\n is %s\n   %s", what, is, windows);
	bad = unsound(f, &p);
	ck_assert_msg(!bad, "%s: %s", what, bad);
}

static const struct example examples[] = {
	{ "a frame of 1.21 and later",
	  "49 3b 66 10 "		/*  0: cmp rsp, [r14+16] */
	  "76 16 "			/*  4: jbe 28 */
	  "55 "				/*  6: push rbp */
	  "48 89 e5 "			/*  7: mov rbp, rsp */
	  "48 83 ec 10 "		/* 10: sub rsp, 16 */
	  "e8 ed 0f 00 00 "		/* 14: call 0x1000 */
	  "48 89 d8 "			/* 19: mov rax, rbx */
	  "48 83 c4 10 "		/* 22: add rsp, 16 */
	  "5d "				/* 26: pop rbp */
	  "c3 "				/* 27: ret */
	  "48 89 44 24 08 "		/* 28: mov [rsp+8], rax */
	  "e8 da 1f 00 00 "		/* 33: call 0x2000 */
	  "48 8b 44 24 08 "		/* 38: mov rax, [rsp+8] */
	  "eb d3 ",			/* 43: jmp 0 */
	  "0+6 entry/2 22+6; 27:1" },

	{ "a frame up to 1.20",
	  "49 3b 66 10 "		/*  0: cmp rsp, [r14+16] */
	  "76 1d "			/*  4: jbe 35 */
	  "48 83 ec 18 "		/*  6: sub rsp, 24 */
	  "48 89 6c 24 10 "		/* 10: mov [rsp+16], rbp */
	  "48 8d 6c 24 10 "		/* 15: lea rbp, [rsp+16] */
	  "e8 e7 0f 00 00 "		/* 20: call 0x1000 */
	  "48 8b 6c 24 10 "		/* 25: mov rbp, [rsp+16] */
	  "48 83 c4 18 "		/* 30: add rsp, 24 */
	  "c3 "				/* 34: ret */
	  "e8 d8 1f 00 00 "		/* 35: call 0x2000 */
	  "eb d6 ",			/* 40: jmp 0 */
	  "0+6 entry/2 30+5; 34:1" },

	{ "a large frame",
	  "4c 8d 64 24 c0 "		/*  0: lea r12, [rsp-64] */
	  "4d 3b 66 10 "		/*  5: cmp r12, [r14+16] */
	  "0f 86 18 00 00 00 "		/*  9: jbe 39 */
	  "48 81 ec c0 00 00 00 "	/* 15: sub rsp, 192 */
	  "b8 01 00 00 00 "		/* 22: mov eax, 1 */
	  "90 90 90 90 "		/* 27: nops */
	  "48 81 c4 c0 00 00 00 "	/* 31: add rsp, 192 */
	  "c3 "				/* 38: ret */
	  "e8 d4 1f 00 00 "		/* 39: call 0x2000 */
	  "eb d2 ",			/* 44: jmp 0 */
	  "0+15 entry/3 31+8; 38:1" },

	{ "assembly with a stack check: g is loaded first",
	  "64 4c 8b 34 25 f8 ff ff ff "	/*  0: mov r14, fs:[-8] */
	  "49 3b 66 10 "		/*  9: cmp rsp, [r14+16] */
	  "76 05 "			/* 13: jbe 20 */
	  "48 83 c0 01 "		/* 15: add rax, 1 */
	  "c3 "				/* 19: ret */
	  "e8 d7 1f 00 00 "		/* 20: call 0x2000 */
	  "eb e5 ",			/* 25: jmp 0 */
	  "0+15 entry/3 15+5; 19:1" },

	{ "a leaf of five bytes: entry and exit in one",
	  "48 8d 04 18 "		/*  0: lea rax, [rax+rbx] */
	  "c3 ",			/*  4: ret */
	  "0+5 entry/0; 4:1" },

	{ "a lone RET: padding is the window's tail",
	  "c3 / cc cc cc cc cc",
	  "0+5 entry/0; 0:1" },

	{ "three bytes of padding are too few",
	  "c3 / cc cc cc",
	  "refused short; 0:short" },

	{ "padding behind something that goes on is not ours",
	  "48 89 d8 90 / cc cc cc cc",
	  "refused short" },

	{ "padding behind the last RET, which is a target: the window begins there",
	  "48 85 c0 "			/*  0: test rax, rax */
	  "0f 84 05 00 00 00 "		/*  3: je 14 */
	  "e8 f2 0f 00 00 "		/*  9: call 0x1000 */
	  "c3 "				/* 14: ret */
	  "/ cc cc cc cc",
	  "0+9 entry/0 14+5; 14:1" },

	{ "tactic 2: the branch over an instruction and the RET in one window",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "48 85 c0 "			/* 10: test rax, rax */
	  "75 02 "			/* 13: jne 17 */
	  "31 c0 "			/* 15: xor eax, eax */
	  "c3 ",			/* 17: ret */
	  "0+5 entry/0 13+5; 17:2" },

	{ "tactic 3: nothing falls into the RET, and each branch to it has a window",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "48 85 c0 "			/* 10: test rax, rax */
	  "74 10 "			/* 13: je 31 */
	  "e8 ec 0f 00 00 "		/* 15: call 0x1000 */
	  "b9 01 00 00 00 "		/* 20: mov ecx, 1 */
	  "eb 04 "			/* 25: jmp 31 */
	  "0f 1f 40 00 "		/* 27: nop */
	  "c3 "				/* 31: ret */
	  "e8 db 0f 00 00 ",		/* 32: call 0x1000 */
	  "0+5 entry/0 10+5 20+7 =31; 31:3" },

	{ "tactic 3: the RET is a target inside a window, the branch to it has one too",
	  "48 85 c0 "			/*  0: test rax, rax */
	  "75 0d "			/*  3: jne 18 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "48 83 c4 10 "		/* 10: add rsp, 16 */
	  "90 90 90 "			/* 14: nops */
	  "5d "				/* 17: pop rbp */
	  "c3 "				/* 18: ret */
	  "e8 e8 0f 00 00 ",		/* 19: call 0x1000 */
	  "0+5 entry/0 14+5 inner =18; 18:3" },

	{ "a tight call and RET: `call morestack` is the window's tail",
	  "49 3b 66 10 "		/*  0: cmp rsp, [r14+16] */
	  "76 0b "			/*  4: jbe 17 */
	  "55 "				/*  6: push rbp */
	  "48 89 e5 "			/*  7: mov rbp, rsp */
	  "e8 f1 0f 00 00 "		/* 10: call 0x1000 */
	  "5d "				/* 15: pop rbp */
	  "c3 "				/* 16: ret */
	  "e8 ea 1f 00 00 "		/* 17: call 0x2000 */
	  "eb e8 ",			/* 22: jmp 0 */
	  "0+6 entry/2 16+6 inner =17; 16:1" },

	{ "no other call is moved",
	  "49 3b 66 10 "		/*  0: cmp rsp, [r14+16] */
	  "76 10 "			/*  4: jbe 22 */
	  "55 "				/*  6: push rbp */
	  "48 89 e5 "			/*  7: mov rbp, rsp */
	  "e8 f1 0f 00 00 "		/* 10: call 0x1000 */
	  "5d "				/* 15: pop rbp */
	  "c3 "				/* 16: ret */
	  "e8 ea 0f 00 00 "		/* 17: call 0x1000 */
	  "e8 e5 1f 00 00 "		/* 22: call 0x2000 */
	  "eb e3 ",			/* 27: jmp 0 */
	  "0+6 entry/2; 16:tight_exit" },

	{ "a jump to another function is an exit, and a window of its own",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "e9 f1 0f 00 00 ",		/* 10: jmp 0x1000 */
	  "0+5 entry/0 10+5; 10:1" },

	{ "a jcc to another function is an exit too",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "0f 84 f0 0f 00 00 "		/* 10: je 0x1000 */
	  "b8 01 00 00 00 "		/* 16: mov eax, 1 */
	  "c3 ",			/* 21: ret */
	  "0+5 entry/0 10+6 16+6; 10:1; 21:1" },

	{ "of two windows for a branch, the one that cannot fault",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "48 8b 00 "			/* 10: mov rax, [rax] */
	  "74 60 "			/* 13: je 111, another function */
	  "b9 02 00 00 00 "		/* 15: mov ecx, 2 */
	  "e8 e7 0f 00 00 "		/* 20: call 0x1000 */
	  "48 8b 03 "			/* 25: mov rax, [rbx] */
	  "5d "				/* 28: pop rbp */
	  "c3 ",			/* 29: ret */
	  "0+5 entry/0 13+7 25+5 faults; 13:1; 29:1" },

	{ "refused: a loop to the entry without a stack check",
	  "48 ff c8 "			/*  0: dec rax */
	  "75 fb "			/*  3: jne 0 */
	  "48 89 d8 "			/*  5: mov rax, rbx */
	  "c3 ",			/*  8: ret */
	  "refused loop_to_entry; 8:loop_to_entry" },

	{ "a loop head in the first five bytes, and room at the branch to it",
	  "90 "				/*  0: nop */
	  "90 "				/*  1: nop */
	  "48 ff c8 "			/*  2: dec rax */
	  "75 fb "			/*  5: jne 2 */
	  "48 89 d8 "			/*  7: mov rax, rbx */
	  "c3 ",			/* 10: ret */
	  "0+5 entry/0 inner 5+6 =2; 10:1" },

	{ "refused: a loop head in the first five bytes, and a tight branch to it",
	  "90 "				/*  0: nop */
	  "90 "				/*  1: nop */
	  "48 ff c8 "			/*  2: dec rax */
	  "75 fb "			/*  5: jne 2 */
	  "e8 f4 0f 00 00 "		/*  7: call 0x1000 */
	  "c3 ",			/* 12: ret */
	  "refused short; 12:short" },

	{ "refused: a call in the first five bytes",
	  "55 "				/*  0: push rbp */
	  "e8 fa 0f 00 00 "		/*  1: call 0x1000 */
	  "5d "				/*  6: pop rbp */
	  "c3 ",			/*  7: ret */
	  "refused call; 7:call" },

	{ "refused: jrcxz in the first five bytes",
	  "55 "				/*  0: push rbp */
	  "e3 03 "			/*  1: jrcxz 6 */
	  "48 89 d8 "			/*  3: mov rax, rbx */
	  "48 89 c8 "			/*  6: mov rax, rcx */
	  "c3 ",			/*  9: ret */
	  "refused not_relocatable; 9:not_relocatable" },

	{ "refused: a jump who knows where",
	  "55 "				/*  0: push rbp */
	  "b9 01 00 00 00 "		/*  1: mov ecx, 1 */
	  "ff e0 "			/*  6: jmp rax */
	  "c3 ",			/*  8: ret */
	  "refused unresolved; 6:unresolved; 8:unresolved" },

	{ "refused exit: a call's return with too little behind it",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "5d "				/* 10: pop rbp */
	  "c3 "				/* 11: ret */
	  "e8 ef 0f 00 00 ",		/* 12: call 0x1000 */
	  "0+5 entry/0; 11:tight_exit" },

	{ "refused exit: one of the branches to it has no room",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "74 07 "			/* 10: je 19 */
	  "e8 ef 0f 00 00 "		/* 12: call 0x1000 */
	  "eb 05 "			/* 17: jmp 24 */
	  "e8 e8 0f 00 00 "		/* 19: call 0x1000 */
	  "c3 "				/* 24: ret */
	  "e8 e2 0f 00 00 ",		/* 25: call 0x1000 */
	  "0+5 entry/0; 24:tight_exit" },

	{ "what was taken for an exit that is refused is given back",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "48 85 c0 "			/* 10: test rax, rax */
	  "74 0e "			/* 13: je 29 */
	  "e8 ec 0f 00 00 "		/* 15: call 0x1000 */
	  "74 07 "			/* 20: je 29 */
	  "e8 e5 0f 00 00 "		/* 22: call 0x1000 */
	  "eb ed "			/* 27: jmp 10 */
	  "c3 "				/* 29: ret */
	  "e8 dd 0f 00 00 ",		/* 30: call 0x1000 */
	  "0+5 entry/0; 29:tight_exit" },

	{ "a loop is never moved into a trampoline",
	  "b9 01 00 00 00 "		/*  0: mov ecx, 1 */
	  "e8 f6 0f 00 00 "		/*  5: call 0x1000 */
	  "90 "				/* 10: nop */
	  "ff c9 "			/* 11: dec ecx */
	  "75 fc "			/* 13: jne 11 */
	  "c3 ",			/* 15: ret */
	  "0+5 entry/0 11+5; 15:1" },
};

START_TEST(windows)
{
	struct flow f = code_flow(&arena, examples[_i].hex);

	expect(examples[_i].what, &f, examples[_i].windows);
}
END_TEST

static struct flow flow_at(u64 va, u32 deferreturn, const struct code_table *table, const char *hex)
{
	struct flow_input in = code_input(&arena, hex, table);
	struct flow f;
	struct err err = { 0 };

	in.va = va;
	in.deferreturn = deferreturn;
	ck_assert_msg(flow_make(&f, &arena, &in, &err), "%s", err.msg);
	return f;
}

START_TEST(a_jump_never_crosses_a_page)
{
	static const char leaf[] =
		"48 8d 04 18 "			/* 0: lea rax, [rax+rbx] */
		"90 90 90 90 "			/* 4: nops */
		"c3 ";				/* 8: ret */
	static const char after_call[] =
		"b9 01 00 00 00 "		/*  0: mov ecx, 1 */
		"e8 f6 0f 00 00 "		/*  5: call 0x1000 */
		"48 83 c4 10 "			/* 10: add rsp, 16 */
		"c3 "				/* 14: ret */
		"e8 ec 0f 00 00 ";		/* 15: call 0x1000 */
	struct flow f = flow_at(CODE_VA + 4096 - 5, 0, NULL, leaf);

	expect("the last five bytes of a page", &f, "0+9 entry/0; 8:1");
	f = flow_at(CODE_VA + 4096 - 4, 0, NULL, leaf);
	expect("one more", &f, "refused page; 8:page");
	f = flow_at(CODE_VA + 4096 - 8, 0, NULL, "b9 01 00 00 00 48 89 d8 48 83 c4 10 c3");
	expect("the shortest window begins at the next page", &f, "0+5 entry/0 8+5; 12:1");
	f = flow_at(CODE_VA + 4096 - 9, 0, NULL, "b9 01 00 00 00 48 89 d8 48 83 c4 10 c3");
	expect("another start serves", &f, "0+13 entry/0; 12:1");
	f = flow_at(CODE_VA + 4096 - 12, 0, NULL, after_call);
	expect("no other start", &f, "0+5 entry/0; 14:page");
}
END_TEST

START_TEST(deferreturn_is_never_inside)
{
	static const char code[] =
		"b9 01 00 00 00 "		/*  0: mov ecx, 1 */
		"90 90 90 "			/*  5: nops */
		"e8 f3 0f 00 00 "		/*  8: call 0x1000 */
		"48 83 c4 08 "			/* 13: add rsp, 8 */
		"c3 ";				/* 17: ret */
	struct flow f = flow_at(CODE_VA, 8, NULL, code);

	expect("call deferreturn", &f, "0+5 entry/0 13+5; 17:1");
}
END_TEST

START_TEST(a_tables_entries_are_never_inside)
{
	static const char code[] =
		"48 8d 0d f9 ff 00 00 "		/*  0: lea rcx, [TABLE_VA] */
		"ff 24 c1 "			/*  7: jmp [rcx+rax*8] */
		"bb 01 00 00 00 "		/* 10: mov ebx, 1 */
		"48 83 c0 01 "			/* 15: add rax, 1 */
		"5d "				/* 19: pop rbp */
		"c3 ";				/* 20: ret */
	struct code_table t = { { CODE_VA + 10, CODE_VA + 19 }, 2 };
	struct flow f;

	f = flow_at(CODE_VA, 0, &t, code);
	expect("an entry at the pop", &f, "0+7 entry/0; 20:tight_exit");
	t.words[1] = CODE_VA + 15;
	f = flow_at(CODE_VA, 0, &t, code);
	expect("an entry before", &f, "0+7 entry/0 15+6; 20:1");
}
END_TEST

/* The walk that all of these tests trust must itself find what is wrong. */
START_TEST(broken_promises_are_found)
{
	struct flow f = code_flow(&arena, examples[0].hex);
	struct flow parked = code_flow(&arena, examples[10].hex);
	struct patches p;

	patches_make(&p, &arena, &f);
	ck_assert_ptr_null(unsound(&f, &p));
	p.windows[1].at++;
	ck_assert_str_eq(unsound(&f, &p), "a window is not made of instructions");
	patches_make(&p, &arena, &f);
	p.nwindows = 1;
	ck_assert_str_eq(unsound(&f, &p), "control reaches an exit in the original code");
	patches_make(&p, &arena, &f);
	p.windows[1].first = 6, p.windows[1].at = 19, p.windows[1].count = 4;
	ck_assert_ptr_null(unsound(&f, &p));	/* one instruction earlier is as good */
	f.insns[7].indirect_target = true;
	ck_assert_str_eq(unsound(&f, &p), "control arrives at overwritten bytes");

	patches_make(&p, &arena, &parked);
	ck_assert_ptr_null(unsound(&parked, &p));
	p.nlandings = 0;
	ck_assert_str_eq(unsound(&parked, &p), "control reaches an exit in the original code");
}
END_TEST

START_TEST(every_refusal_has_a_name_and_a_text)
{
	for (unsigned k = 0; k < REFUSE_COUNT; k++) {
		ck_assert_ptr_nonnull(refusal_name(k));
		ck_assert_ptr_nonnull(refusal_text(k));
		for (unsigned m = 0; m < k; m++)
			ck_assert_str_ne(refusal_name(k), refusal_name(m));
	}
}
END_TEST

Suite *patch_suite(void)
{
	Suite *s = suite_create("patch");
	TCase *t = tcase_create("patch");

	tcase_add_loop_test(t, windows, 0, ARRAY_LEN(examples));
	tcase_add_test(t, a_jump_never_crosses_a_page);
	tcase_add_test(t, deferreturn_is_never_inside);
	tcase_add_test(t, a_tables_entries_are_never_inside);
	tcase_add_test(t, broken_promises_are_found);
	tcase_add_test(t, every_refusal_has_a_name_and_a_text);
	suite_add_tcase(s, t);
	return s;
}
