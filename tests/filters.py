"""Seccomp filters for a program that a test starts: preexec_fn=filters.apply(RULES)."""

import ctypes
import struct

ALLOW, LOG, ERRNO, KILL = 0x7FFF0000, 0x7FFC0000, 0x00050001, 0x80000000

# x86-64 numbers (asm/unistd_64.h)
MMAP, MPROTECT, MUNMAP, MADVISE, MEMFD, SIGACTION, SIGPROCMASK = 9, 10, 11, 28, 319, 13, 14
PROT_WRITE, PROT_EXEC = 2, 4

# What Docker documents that its default profile denies, with EPERM.
DOCKER = [163, 248, 298, 321, 305, 227, 174, 176, 313, 177, 239, 175, 173, 172, 312, 320, 246, 250, 212, 237, 165, 279,
          180, 304, 155, 178, 179, 169, 249, 238, 308, 164, 167, 168, 139, 156, 166, 272, 134, 323, 136]


def insn(code, k, jt=0, jf=0):
    return struct.pack("HBBI", code, jt, jf, k & 0xFFFFFFFF)


def load(offset):
    return insn(0x20, offset)


def equal(k, otherwise):
    """Skips so many instructions unless the accumulator is k."""
    return insn(0x15, k, 0, otherwise)


def returns(what):
    return insn(0x06, what)


def denies(numbers, how=ERRNO):
    """Everything else is allowed."""
    code = load(0)
    for nr in numbers:
        code += equal(nr, 1) + returns(how)
    return code + returns(ALLOW)


def no_written_code(how=ERRNO):
    """As systemd's MemoryDenyWriteExecute: no mapping that is both, nor code out of data."""
    both, code = PROT_WRITE | PROT_EXEC, load(0)
    code += equal(MMAP, 5) + load(16 + 2 * 8) + insn(0x54, both) + equal(both, 1) + returns(how) + returns(ALLOW)
    code += equal(MPROTECT, 5) + load(16 + 2 * 8) + insn(0x54, PROT_EXEC) + equal(PROT_EXEC, 1) + returns(how) + \
        returns(ALLOW)
    return code + returns(ALLOW)


def no_new_code(how=KILL):
    """Death to whoever maps executable memory."""
    code = load(0) + equal(MMAP, 5) + load(16 + 2 * 8) + insn(0x54, PROT_EXEC) + equal(PROT_EXEC, 1) + returns(how)
    return code + returns(ALLOW) + returns(ALLOW)


def no_call_with(number, argument, how=KILL):
    """Death to whoever makes this call with this first argument."""
    code = load(0) + equal(number, 3) + load(16) + equal(argument, 1) + returns(how)
    return code + returns(ALLOW)


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def apply(code):
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // 8, code)

    def in_child():
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")
    return in_child
