"""docs/json.md, as a rule: what goshawk prints by --json has the objects and fields that the page lists, and no others."""

import functools
import json
import re

PAGE = "docs/json.md"


@functools.lru_cache(maxsize=None)
def objects(page):
    """The fields of each type of object: the first cells of the tables below its heading. `end` has those of all commands."""
    found, here = {}, None
    for line in page.read_text().splitlines():
        heading = re.match(r"#+ (.*)", line)
        if heading:
            here = found.setdefault(heading.group(1), set())
        elif here is not None and re.match(r"(That|Its|Only).* `end`|That of .*have", line):
            here = found["end"]
        elif here is not None and line.startswith("| `"):
            here.update(re.findall(r"`([a-z0-9_]+)`", line.split("|")[1]))
    return found


def check(root, line):
    """One line of output; gives the object."""
    o = json.loads(line)
    fields = objects(root / PAGE).get(o["type"])
    assert fields, "%s does not list the object %s: %s" % (PAGE, o["type"], line[:300])
    assert set(o) - {"type"} <= fields, "%s does not list %s of %s" % (PAGE, sorted(set(o) - {"type"} - fields), o["type"])
    return o
