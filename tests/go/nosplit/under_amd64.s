//go:build !over
// +build !over

#include "textflag.h"

TEXT ·top(SB), NOSPLIT, $600
	CALL ·little(SB)
	RET
