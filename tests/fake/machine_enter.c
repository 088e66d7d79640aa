/* Enters a function with every register as the test says (tests/unit/machine.h), and keeps every
 * register as it was left: none is free then, so what is needed lies in TLS. */
#include "base/defs.h"

__thread u64 tls_g;
__thread struct {
	u64 rax, out, host_sp, target;
} tls_machine;

#define EACH_R(X) X(rcx, 8) X(rdx, 16) X(rbx, 24) X(rsp, 32) X(rbp, 40) X(rsi, 48) X(r8, 64) \
	X(r9, 72) X(r10, 80) X(r11, 88) X(r12, 96) X(r13, 104) X(r14, 112) X(r15, 120)
#define EACH_X(X) X(0, 128) X(1, 144) X(2, 160) X(3, 176) X(4, 192) X(5, 208) X(6, 224) X(7, 240) \
	X(8, 256) X(9, 272) X(10, 288) X(11, 304) X(12, 320) X(13, 336) X(14, 352) X(15, 368)
#define LOAD_R(name, at) "mov " #at "(%rdi), %" #name "\n"
#define STORE_R(name, at) "mov %" #name ", " #at "(%rax)\n"
#define LOAD_X(n, at) "movups " #at "(%rdi), %xmm" #n "\n"
#define STORE_X(n, at) "movups %xmm" #n ", " #at "(%rax)\n"
#define TLS(at) "%fs:tls_machine@tpoff+" #at

__asm__(".text\n"
	".globl machine_enter, machine_left\n"
	"machine_enter:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsi, " TLS(8) "\n"
	"mov %rsp, " TLS(16) "\n"
	"mov %rdx, " TLS(24) "\n"
	EACH_X(LOAD_X) EACH_R(LOAD_R) LOAD_R(rax, 0)
	"mov 56(%rdi), %rdi\n"
	"jmp *" TLS(24) "\n"
	"machine_left:\n"
	"mov %rax, " TLS(0) "\n"
	"mov " TLS(8) ", %rax\n"
	EACH_X(STORE_X) EACH_R(STORE_R)
	"mov %rdi, 56(%rax)\n"
	"mov " TLS(0) ", %rdi\n"
	"mov %rdi, (%rax)\n"
	"mov " TLS(16) ", %rsp\n"
	"cld\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"ret\n");
