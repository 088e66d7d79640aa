"""`goshawk explain` of a fault in C: which file's code it was, where in it, and its function where a symbol says so."""

import re
import subprocess

import pytest

import gobuild
import goshawk
from test_explain import kernel_core

pytestmark = pytest.mark.ptrace


def lies_in(text):
    [found] = re.findall(r"its code lies in (\S+)\+0x([0-9a-f]+)(?: \((\S+)\+0x[0-9a-f]+\))?$", text, re.M)
    return found


@pytest.mark.parametrize("how", ["run", "core"])
@pytest.mark.parametrize("variant", ["cgo", "cgo-stripped"])
def test_where_c_faulted(variant, how, tmp_path):
    program = gobuild.build("zoo", gobuild.NEWEST, variant)

    def of(name):
        if how == "run":
            return goshawk.run("explain", "--", program, name).err
        to = tmp_path / name
        to.mkdir()
        return goshawk.run("explain", kernel_core(program, to, name)).out

    file, at, name = lies_in(of("c-null"))
    assert file == str(program)
    if variant == "cgo":
        assert name.endswith("_Cfunc_c_null")
        symbols = [line.split() for line in subprocess.run(["nm", program], text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines()]
        [va] = [s[0] for s in symbols if s[-1] == name]
        assert int(va, 16) % 4096 == int(at, 16) % 4096  # a file's offset: the same place in its page
    else:
        assert not name  # nothing says so, so nothing is said
    assert "/libc.so" in lies_in(of("c-library"))[0]
    assert "/libc.so" in lies_in(of("c-abort"))[0]  # which kills its own thread there


@pytest.mark.parametrize("name", ["c-thread-aborts", "c-thread-faults"])
def test_a_thread_of_c_s_own(name, tmp_path):
    d = goshawk.run("explain", kernel_core(gobuild.build("zoo", gobuild.NEWEST, "cgo"), tmp_path, name)).out
    assert "fault_in_c, certain" in d and "in a thread that C has made" in d and "race" not in d, d
