#include "funcdata.h"
#include "textflag.h"

// Up to 1.20 the assembler makes no frame for it, from 1.21 it does: it calls.
TEXT ·Bare(SB), NOSPLIT, $0-0
	CALL ·call(SB)
	RET

TEXT ·Naked(SB), NOSPLIT|NOFRAME, $0-0
	CALL ·call(SB)
	RET

TEXT ·Pushed(SB), NOSPLIT|NOFRAME, $0-0
	NO_LOCAL_POINTERS
	PUSHQ $0
	PUSHQ $0
	CALL ·call(SB)
	POPQ AX
	POPQ AX
	RET

TEXT ·Framed(SB), 0, $16-0
	NO_LOCAL_POINTERS
	CALL ·call(SB)
	RET

// What is in BP looks like a frame pointer and is none.
TEXT ·Scratch(SB), 0, $16-0
	NO_LOCAL_POINTERS
	LEAQ 8(SP), BP
	CALL ·call(SB)
	RET
