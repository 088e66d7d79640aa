"""Options and fixtures that the spec and the live tests share."""

import os
import signal

import pytest

import gobuild
import goshawk


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", default=os.environ.get("GOSHAWK_RELEASES") == "all",
                     help="all eleven Go releases, not three of them (also GOSHAWK_RELEASES=all)")


def pytest_generate_tests(metafunc):
    if "release" in metafunc.fixturenames:
        all_of_them = metafunc.config.getoption("--all")
        metafunc.parametrize("release", gobuild.RELEASES if all_of_them else gobuild.SOME_RELEASES)


def pytest_collection_modifyitems(config, items):
    """Tests marked "ptrace" or "bpf" need a permission: say why they can't run where that is missing."""
    for marker, why_not in ("ptrace", goshawk.why_no_ptrace), ("bpf", goshawk.why_no_bpf):
        for item in items:
            if item.get_closest_marker(marker) and (reason := why_not()):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_configure(config):
    config.addinivalue_line("markers", "ptrace: starts a program under ptrace")
    config.addinivalue_line("markers", "bpf: uses kernel probes")
    # what a shell's `&` or nohup has had ignored, the programs of the tests would ignore, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
