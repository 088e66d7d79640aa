"""Cores as `dlv core` shows them: every frame and every argument of its is the same here."""

import json
import re

import pytest

import gobuild
import goshawk
import others
from test_parked import Parked, core_of

pytestmark = pytest.mark.ptrace

DELVE = "github.com/go-delve/delve/cmd/dlv", "v1.27.2"  # knows the releases since 1.22 or so
FRAME = re.compile(r"^ *(\d+)  (0x[0-9a-f]+) in (.+)$")
PLACE = re.compile(r"^ *at (.+):(\d+)$")
VALUE = re.compile(r"^       ([\w.~]+) = (.*)$")


def frames_of_delve(dlv, program, core, goids, tmp_path):
    """By goid: function, pc, file, line and what it shows of arguments and variables, innermost first."""
    commands = tmp_path / "commands"
    commands.write_text("".join("goroutine %d\nstack 60 -full\n" % g for g in goids) + "exit\n")
    done = goshawk.run_plain(dlv, "core", program, core, "--allow-non-terminal-interactive", "--check-go-version=false", "--init",
                             commands, env={"HOME": str(tmp_path)}, cwd=tmp_path, timeout=300)
    assert done.status == 0, done
    stacks, here = {}, None
    for line in re.sub(r"\x1b\[\d*m", "", done.out).splitlines():
        if switched := re.match(r"Switched from \d+ to (\d+)", line):
            here = stacks.setdefault(int(switched[1]), [])
        elif frame := FRAME.match(line):
            here.append({"func": frame[3], "pc": int(frame[2], 16), "values": {}})
        elif (place := PLACE.match(line)) and here:
            here[-1].update(file=place[1], line=int(place[2]))
        elif (value := VALUE.match(line)) and here:
            here[-1]["values"][value[1]] = value[2]
    assert set(stacks) == set(goids), done
    return stacks


def look(core, program):
    done = goshawk.run("goroutines", "--json", core, program)
    assert done.status == 0, done
    return {o["goid"]: o for o in map(json.loads, done.out.splitlines()) if o["type"] == "goroutine"}


def plain(v):
    """A value of JSON as delve writes it, as far as one line of both can be compared; None: it can't."""
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, (int, float)):
        return str(v)
    if isinstance(v, str):
        return v if v.startswith("0x") else json.dumps(v)
    if isinstance(v, dict) and "address" in v:
        return v["address"]
    return None


def same(arg, shown):
    """Whether delve's text means the value; None where one of them is of many parts."""
    ours = plain(arg["value"])
    if ours is None:
        return None
    if pointer := re.search(r"\((0x[0-9a-f]+)\)( .*)?$", shown):
        return pointer[1] == ours or None if not ours.startswith("0x") else pointer[1] == ours
    if shown.endswith(" nil"):
        return None
    if ours.startswith("0x") and shown.isdigit():
        return int(ours, 16) == int(shown)
    if isinstance(arg["value"], float):
        return float(shown) == arg["value"]
    return shown.split(" (")[0] == ours if shown[:1] in '"-0123456789tf' else None


def compare(release, variant, dlv, tmp_path):
    with Parked(release, variant, 3, cwd=tmp_path) as parked:
        core = core_of(parked, "kernel", tmp_path)
    ours = look(core, parked.path)
    waiting = [goid for goid, g in ours.items() if g["state"] not in ("running", "runnable")]
    theirs = frames_of_delve(dlv, parked.path, core, waiting, tmp_path)
    frames = args = 0
    wrong, lacking = [], []
    for goid in waiting:
        mine = ours[goid]["stack"]
        if ours[goid]["state"] == "syscall":  # here from where it went into it, in delve from where its thread is
            while theirs[goid] and theirs[goid][0]["func"] != mine[0]["func"]:
                theirs[goid].pop(0)
            theirs[goid][0]["pc"] = int(mine[0]["pc"], 16)
        for n, (f, d) in enumerate(zip(mine, theirs[goid])):
            frames += 1
            where = "goroutine %d, %s" % (goid, d["func"])
            if int(f["pc"], 16) != d["pc"] or f["func"] != d["func"]:
                wrong.append("%s: %s at %s" % (where, f["func"], f["pc"]))
            # delve takes the innermost one's line behind the call that it stands in
            if n and not f.get("inlined") and mine[n - 1]["pc"] != f["pc"] and (f["file"], f["line"]) != (d["file"], d["line"]):
                wrong.append("%s: line %s:%s, not %s:%s" % (where, f["file"], f["line"], d["file"], d["line"]))
            for arg in f["args"] or []:
                shown = d["values"].get(arg["name"])
                if shown is None or shown.startswith("(unreadable") or (shown == '""' and "value" not in arg):
                    continue  # it takes half a text for an empty one
                if "value" not in arg:
                    lacking.append("%s: %s = %s" % (where, arg["name"], shown))
                    continue
                args += 1
                if same(arg, shown) is False:
                    wrong.append("%s: %s is %s, not %s" % (where, arg["name"], arg["value"], shown))
            if f.get("inlined") and f["args"] is None:
                lacking += ["%s (inlined): %s = %s" % (where, *v) for v in d["values"].items() if not v[1].startswith("(unreadable")]
        if len(mine) != len(theirs[goid]):
            wrong.append("goroutine %d: %d frames, not %d" % (goid, len(mine), len(theirs[goid])))
    print("%s %s: %d frames, %d arguments, %d lacking\n%s" % (release, variant, frames, args, len(lacking), "\n".join(lacking)))
    return frames, args, wrong, lacking


@pytest.mark.parametrize("built_by, variant", [(r, v) for r, v in [("1.17.13", "plain"), ("1.18.10", "plain"), ("1.19.13", "plain"),
                                                                   ("1.19.13", "pie")] if gobuild.ALL or r == "1.17.13"])
def test_as_the_delve_of_debian(built_by, variant, tmp_path):
    frames, args, wrong, lacking = compare(built_by, variant, others.debian("dlv"), tmp_path)
    assert frames >= 80 and not wrong, "\n".join(wrong)
    assert not lacking, "\n".join(lacking)


@pytest.mark.skipif(not gobuild.ALL, reason="make check-all")
@pytest.mark.parametrize("built_by, variant", [("1.22.12", "plain"), ("1.24.11", "plain"), ("1.25.5", "plain"), ("1.26.8", "plain"),
                                               ("1.27.4", "plain"), ("1.27.4", "pie")])
def test_as_a_newer_delve(built_by, variant, tmp_path):
    frames, args, wrong, lacking = compare(built_by, variant, others.proxied(*DELVE), tmp_path)
    assert frames >= 80 and not wrong, "\n".join(wrong)
    assert not lacking, "\n".join(lacking)


def test_what_delve_cannot_show(tmp_path):
    """It needs DWARF; stripped, all frames and what waits for what are still seen here."""
    delve = others.debian("dlv")
    with Parked("1.19.13", "stripped", 3, cwd=tmp_path) as parked:
        core = core_of(parked, "kernel", tmp_path)
    commands = tmp_path / "commands"
    commands.write_text("goroutines -t 50\nexit\n")
    done = goshawk.run_plain(delve, "core", parked.path, core, "--allow-non-terminal-interactive", "--init", commands,
                             env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert "main.receives" not in done.out
    seen = look(core, parked.path)
    assert any(f["func"] == "main.receives" for g in seen.values() for f in g["stack"]) and len(seen) >= 16
