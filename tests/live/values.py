"""Compares values as goshawk prints them with those that the seed program says they are.

The seed describes a value in full, with a "$" that names its kind where goshawk may print it in more
than one way or cut it; here is what may be cut, and how that has to be said.
"""

import base64
import datetime
import struct

STRINGS, ELEMENTS, DEPTH = 64, 8, 2  # goshawk's defaults
NOT_CAPTURED = {"error": "not captured"}


class Differs(Exception):
    pass


def need(truth, what, *about):
    if not truth:
        raise Differs(what % about if about else what)


def check_value(expected, holder, depth=0):
    """`holder` is the JSON object whose "value" this is, with "len", "base64" or "error" beside it."""
    if isinstance(expected, dict) and expected["$"] == "unreadable":
        value = holder.get("value")
        need("error" in holder or (isinstance(value, dict) and "error" in value), "wants an error, not %r", holder)
        return
    if depth >= DEPTH and holder.get("error") in ("not captured", "too deep"):
        return
    need("error" not in holder, "unreadable: %r", holder.get("error"))
    need("value" in holder, "no value in %r", holder)
    actual = holder["value"]
    if not isinstance(expected, dict):
        need(type(actual) is type(expected) and actual == expected, "%r, not %r", actual, expected)
        return
    KINDS[expected["$"]](expected, actual, holder, depth)


def inside(expected, node, depth):
    """A value within another one; what was cut or can't be read is an object of its own there."""
    kind = expected["$"] if isinstance(expected, dict) else None
    wrapped = isinstance(node, dict) and kind not in ("pointer", "wild", "interface", "chan") \
        and ("error" in node or "value" in node) and set(node) <= {"value", "len", "base64", "error", "address"}
    check_value(expected, node if wrapped else {"value": node}, depth)


def check_string(e, actual, holder, depth):
    raw = base64.b64decode(e["base64"]) if "base64" in e else e["text"].encode()
    if "base64" in holder:
        need(isinstance(actual, str), "%r is no text", actual)
        got = base64.b64decode(holder["base64"])
    else:
        need(isinstance(actual, str), "%r is no text", actual)
        got = actual.encode()
    check_cut(raw, got, holder, e["len"], STRINGS)


def check_cut(full, got, holder, length, limit):
    if got == full:
        need(holder.get("len", length) == length, "len is %r, not %d", holder.get("len"), length)
        return
    need(len(full) > limit, "%r, not %r", got, full)
    need(limit - 4 < len(got) <= limit, "%d of %d shown, limit %d", len(got), len(full), limit)
    need(full[:len(got)] == got, "%r is not how %r begins", got, full)
    need(holder.get("len") == length, "len is %r, not %d", holder.get("len"), length)


def check_bytes(e, actual, holder, depth):
    need(isinstance(actual, dict) and "base64" in actual, "%r is not {base64}", actual)
    check_cut(base64.b64decode(e["base64"] or ""), base64.b64decode(actual["base64"]),
              dict(holder, **actual), e["len"], STRINGS)


def check_list(e, actual, holder, depth):
    need(isinstance(actual, list), "%r is no list", actual)
    shown = min(len(e["elements"]), ELEMENTS) if e["$"] == "slice" else len(e["elements"])
    need(len(actual) == shown, "%d elements shown, not %d", len(actual), shown)
    if shown < e["len"]:
        need(holder.get("len") == e["len"], "len is %r, not %d", holder.get("len"), e["len"])
    for i, (one, got) in enumerate(zip(e["elements"], actual)):
        try:
            inside(one, got, depth)
        except Differs as d:
            raise Differs("[%d]: %s" % (i, d))


def check_struct(e, actual, holder, depth):
    need(isinstance(actual, dict), "%r is no object", actual)
    names = {k for k in actual if k != "_"}
    need(names == set(e["fields"]), "fields %r, not %r", sorted(names), sorted(e["fields"]))
    for name, field in e["fields"].items():
        try:
            inside(field, actual[name], depth)
        except Differs as d:
            raise Differs(".%s: %s" % (name, d))


def check_map(e, actual, holder, depth):
    """Of a map that fits into one group all entries are shown; of a larger one those of its first group
    that are there: some of them, none if they were deleted."""
    need(isinstance(actual, list), "%r is no list", actual)
    if e["len"] <= ELEMENTS and e["always_small"]:
        need(len(actual) == e["len"], "%d entries shown of %d", len(actual), e["len"])
    need(len(actual) <= min(e["len"], ELEMENTS), "%d entries shown of %d", len(actual), e["len"])
    if len(actual) < e["len"]:
        need(holder.get("len") == e["len"], "len is %r, not %d", holder.get("len"), e["len"])
    left = list(e["pairs"])
    for pair in actual:
        if NOT_CAPTURED in pair:
            continue  # keys and elements of more than 128 bytes lie elsewhere
        for candidate in left:
            if fits(candidate[0], pair[0], depth + 1):
                inside(candidate[1], pair[1], depth + 1)
                left.remove(candidate)
                break
        else:
            raise Differs("no such key, or twice: %r" % (pair,))


def fits(expected, node, depth):
    try:
        inside(expected, node, depth)
        return True
    except Differs:
        return False


def check_pointer(e, actual, holder, depth):
    need(isinstance(actual, dict), "%r is no pointer", actual)
    need(actual.get("address") == e["address"], "address %r, not %r", actual.get("address"), e["address"])
    if "value" in actual or "error" in actual:
        check_value(e["value"], actual, depth + 1)
    else:
        need(depth >= 1, "the first pointer was not followed: %r", actual)


# Looked into behind any interface. Of other types the name is shown (and behind interfaces with
# methods, the value too where the program converts that type to that interface).
ALWAYS = {"string", "int", "bool", "float64", "int64", "uint64", "int32", "[]uint8", "*errors.errorString",
          "time.Duration", "*fmt.wrapError", "*fs.PathError"}


def check_interface(e, actual, holder, depth):
    need(isinstance(actual, dict), "%r is no interface", actual)
    need(actual.get("type") == e["type"], "dynamic type %r, not %r", actual.get("type"), e["type"])
    if "value" in actual or actual.get("error") != "not captured":
        check_value(e["value"], actual, depth + 1)
    else:
        need(depth >= 1 or e["type"] not in ALWAYS, "nothing of %r is shown", e["type"])


def check_wild(e, actual, holder, depth):
    need(isinstance(actual, dict), "%r is no pointer", actual)
    need(actual.get("address") == e["address"], "address %r, not %r", actual.get("address"), e["address"])
    need("value" not in actual and "error" in actual, "%r of a wild pointer", actual)


def check_float(e, actual, holder, depth):
    need(isinstance(actual, (int, float)) and not isinstance(actual, bool), "%r is no number", actual)
    want = float(e["number"])
    need(float(actual) == want or struct.pack("f", actual) == struct.pack("f", want), "%r, not %s", actual, e["number"])


def check_complex(e, actual, holder, depth):
    need(actual == e["text"], "%r, not %r", actual, e["text"])


def check_time(e, actual, holder, depth):
    need(isinstance(actual, str) and unix_ns(actual) == unix_ns(e["text"]), "%r, not %s", actual, e["text"])


def unix_ns(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def check_duration(e, actual, holder, depth):
    need(str(actual) == str(e["ns"]), "%r, not %d ns", actual, e["ns"])


def check_func(e, actual, holder, depth):
    need(isinstance(actual, str) and actual == e["name"], "%r, not %r", actual, e["name"])


def check_chan(e, actual, holder, depth):
    need(isinstance(actual, dict), "%r is no channel", actual)
    need(actual.get("len") == e["len"] and actual.get("cap") == e["cap"], "%r, not %r", actual, e)


def check_address(e, actual, holder, depth):
    need(actual == e["address"], "%r, not %r", actual, e["address"])


KINDS = {
    "string": check_string, "bytes": check_bytes, "slice": check_list, "array": check_list,
    "struct": check_struct, "map": check_map, "pointer": check_pointer, "interface": check_interface,
    "wild": check_wild, "float": check_float, "complex": check_complex, "time": check_time,
    "duration": check_duration, "func": check_func, "chan": check_chan, "address": check_address,
}


def check_params(expected, actual, names):
    """Arguments or results of one call; blank parameters have the names that are given to what has none."""
    need(actual is not None, "unknown")
    need(len(actual) == len(expected), "%d values, not %d: %r", len(actual), len(expected), actual)
    for i, (e, a) in enumerate(zip(expected, actual)):
        try:
            if names and e["name"] != "_":
                need(a.get("name") == e["name"], "name %r, not %r", a.get("name"), e["name"])
            elif names:
                need(a["name"] in ("arg%d" % i, "ret%d" % i), "name %r of one without", a["name"])
            need(a.get("type") == e["type"], "type %r, not %r", a.get("type"), e["type"])
            check_value(e["value"], a)
        except Differs as d:
            raise Differs("%s (%d): %s" % (e["name"], i, d))
