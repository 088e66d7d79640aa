"""Expressions on real programs: goshawk sees as many calls as the program itself counts."""

import json

import pytest

import gobuild
import goshawk
import test_seed

pytestmark = pytest.mark.ptrace


def questions(tmp_path, program):
    """What the program says about itself."""
    expects = tmp_path / "expect.json"
    done = goshawk.run_plain(program, env={"ASK_EXPECT": str(expects)})
    assert done.status == 0, done
    return json.loads(expects.read_text())


def ask(tmp_path, program, func, *options):
    t = goshawk.Trace(tmp_path, [func], [program], options)
    return t.check()


def check(tmp_path, program, func, expr, question):
    t = ask(tmp_path, program, func, "--if", expr)
    got = len(t.calls), t.end["unreadable"]
    want = question["count"], question["unreadable"]
    if "duration" in expr and got > want:
        return None  # somebody else had the processor
    return None if got == want else "%s: %s calls and %s unreadable, not %s and %s" % (expr, *got, *want)


def last_is_proved(release):
    """Up to 1.21 DWARF leaves blank parameters out: one could lie before the last of a long list."""
    return gobuild.minor(release) > 21


def test_counts_with_names(tmp_path, release):
    program = gobuild.build("ask", release, "pie" if release == gobuild.NEWEST else "plain")
    wrong, asked = [], 0
    for q in questions(tmp_path, program):
        results = any(word in q["expr"] for word in ("sum", "out"))
        if results and gobuild.minor(release) == 17:
            continue  # its DWARF leaves the results of optimised functions out
        if "low" in q["expr"] and not last_is_proved(release):
            continue
        asked += 1
        wrong.append(check(tmp_path, program, q["func"], q["expr"], q))
    assert asked > 25
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_counts_without_names(tmp_path, release):
    program = gobuild.build("ask", release, "stripped")
    wrong = [check(tmp_path, program, q["func"], q["shape"], q)
             for q in questions(tmp_path, program) if q["shape"]]
    assert len(wrong) > 12
    assert not any(wrong), "\n".join(filter(None, wrong))


def values_of(call):
    return {a["name"]: a.get("value", a.get("error")) for a in call["args"]}


def test_show_takes_the_place_of_the_arguments(tmp_path, release):
    program = gobuild.build("ask", release)
    show = ["n", "len(s)", "n * 2 - 1", "s", "u.Next.Age", "u.Next.Home.Geo[1]", "len(tags)", "err.(type)", "caller",
            "err.(*fs.PathError).Op", "err.(*io/fs.PathError).Err.(*errors.errorString).s",
            "func", "x", "wait", "n > 5", "u.Name", "s[4]", *(["low"] if last_is_proved(release) else [])]
    t = ask(tmp_path, program, "main.probe", "--show", ", ".join(show), "--if", "n < 20")
    assert len(t.calls) == 20
    for n, call in enumerate(t.calls):
        v = values_of(call)
        assert list(v) == show
        s = "key-%d" % n
        age, geo = (n // 2, n) if n % 3 else ("unreadable", "unreadable")
        error = {1: "*fs.PathError", 2: "*errors.errorString"}.get(n % 6, "nil")
        assert v == {
            "n": n, "len(s)": len(s), "n * 2 - 1": n * 2 - 1, "s": s, "u.Next.Age": age, "u.Next.Home.Geo[1]": geo,
            "len(tags)": n % 5 if n % 4 else 0, "err.(type)": error,
            "err.(*fs.PathError).Op": "open" if n % 6 == 1 else "not known",
            "err.(*io/fs.PathError).Err.(*errors.errorString).s": "file does not exist" if n % 6 == 1 else "not known",
            "caller": "main.leaf", "func": "main.probe",
            "x": n / 4, "wait": 30000000 if n % 100 == 7 else 0, "n > 5": n > 5, "u.Name": "n" * (n % 7),
            "s[4]": ord(s[4]), **({"low": n - 100} if last_is_proved(release) else {}),
        }, call


def test_whole_values_are_shown_below_the_usual_depth(tmp_path):
    program = gobuild.build("ask", gobuild.NEWEST)
    t = ask(tmp_path, program, "main.probe", "--depth-of-values", "0", "--show", "*u.Next.Home, tags", "--if", "n == 4")
    home, tags = t.calls[0]["args"]
    assert home == {"name": "*u.Next.Home", "type": "main.Address",
                    "value": {"Street": "street", "Geo": [1, 4], "Zip": -4}}
    assert tags["name"] == "tags" and tags["type"] == "map[string]int"


@pytest.mark.parametrize("how", [[], ["--entry"]])
def test_nothing_is_seen_of_calls_that_are_not_wanted(tmp_path, how):
    program = gobuild.build("ask", gobuild.NEWEST)
    t = ask(tmp_path, program, "main.probe", "--if", "n < 0", *how)
    assert not [o for o in t.objects if o["type"] in ("call", "entry")]
    assert t.end["calls"] == 0


def test_count_needs_ends_only_where_they_are_asked_for(tmp_path):
    program = gobuild.build("ask", gobuild.NEWEST)
    for by, rows in (("n / 100", {0: 100, 1: 100}), ("sum < 0", {True: 20, False: 180})):
        t = ask(tmp_path, program, "main.probe", "--count", "--by", by)
        got = {o["by"]: o["count"] for o in t.objects if o["type"] == "count"}
        assert got == rows, t.objects


def test_functions_that_lack_a_name_are_left_out(tmp_path):
    program = gobuild.build("ask", gobuild.NEWEST)
    t = goshawk.Trace(tmp_path, ["main.probe", "main.fail", "main.cleanup"], [program], ["--if", "low == 1"])
    t.check()
    assert len(t.calls) == 1
    assert "main.fail is not traced: it lacks a name that an expression has" in t.ended.err
    assert t.end["refused"] == 2


def test_an_interface_holds_no_interface(tmp_path):
    program = gobuild.build("ask", gobuild.NEWEST)
    asked = goshawk.run("trace", "main.either", "--if", "v.(error) != nil", "--", program)
    assert asked.status == 2 and "error is an interface: what one holds is of another type" in asked.err, asked
    assert goshawk.run("trace", "main.probe", "--if", "err.(error) != nil", "--", program).status == 0


@pytest.mark.parametrize("mode", ["counts", "panics", "goroutines"])
def test_a_condition_that_always_holds_loses_no_call(tmp_path, release, mode):
    """Marks are found again by the exits: after panics, on other threads, on stacks that have moved."""
    t, expects = test_seed.trace(tmp_path, release, "plain", [mode], ["--if", "goid > 0"])
    assert t.end["calls"] > 100
    test_seed.check_counts(t, expects)
