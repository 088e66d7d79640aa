"""Programs that others built, doing real work: a thousand functions and more are traced, and what the
program does is what it does alone."""

import hashlib
import shutil
import subprocess

import pytest

import goshawk

pytestmark = pytest.mark.ptrace

def hugo(at):
    files = {"config.toml": 'baseURL = "https://example.org/"\ntitle = "Harvest"\ndisableKinds = ["RSS", "sitemap"]\n',
             "layouts/_default/single.html": "<h1>{{ .Title }}</h1>{{ .Content }}",
             "layouts/_default/list.html": "{{ range .Pages }}{{ .Title }} {{ end }}",
             "layouts/index.html": "{{ range .Site.RegularPages }}{{ .Title | upper }} {{ len .Content }} {{ end }}"}
    for i in range(20):
        files["content/page%d.md" % i] = "---\ntitle: Page %d\nweight: %d\n---\n## Part\n\n*Text* %s\n\n```go\nx := %d\n```\n" % (
            i, i, "word " * i, i)
    put(at, files)
    return ["--quiet", "--destination", "out"]


def caddy(at):
    put(at, {"Caddyfile": "example.org {\n\troot * /srv\n\tencode gzip\n"
                          "\thandle_path /api/* {\n\t\treverse_proxy 10.0.0.1:80\n\t}\n"
                          "\tlog\n\tfile_server browse\n}\n"})
    return ["adapt", "--config", "Caddyfile", "--adapter", "caddyfile", "--pretty"]


def esbuild(at):
    put(at, {"main.ts": 'import { f } from "./lib";\nenum Color { Red, Green }\n'
                        "class A<T> { constructor(private x: T) {} get() { return this.x } }\n"
                        "console.log(f(10), Color.Green, new A(3)?.get() ?? 1);\n",
             "lib.ts": "export const f = (n) => n < 2 ? n : f(n - 1) + f(n - 2);\n"})
    return ["main.ts", "--bundle", "--minify", "--sourcemap=inline", "--target=es2017", "--log-level=error"]


def fzf(at):
    put(at, {"words": "".join("word %d of the list\n" % (i * 7919 % 5000) for i in range(5000))})
    return ["--filter=wd 42 !9", "--tiebreak=index", "--nth=1.."]


def rclone(at):
    put(at, {"from/%d/%d.txt" % (i % 5, i): "contents %d\n" % i * i for i in range(50)})
    return ["--config", "/dev/null", "copy", "from", "out", "--checksum", "--transfers=4", "--quiet"]


def restic(at):
    put(at, {"password": "secret\n", "data/a": "a" * 100000, "data/b/c": "c" * 5000})
    done = goshawk.run_plain("restic", "-q", "--no-cache", "init", "-r", "repo", "-p", "password", cwd=at)
    assert done.status == 0, done
    done = goshawk.run_plain("restic", "-q", "--no-cache", "backup", "-r", "repo", "-p", "password", "data", cwd=at)
    assert done.status == 0, done
    return ["-q", "--no-cache", "-r", "repo", "-p", "password", "check", "--read-data"]


def gh(at):
    put(at, {})
    return ["help", "reference"]


# What is traced: the program's own packages and the libraries that do its work.
PROGRAMS = {
    "hugo": (hugo, ["github.com/gohugoio/...", "github.com/yuin/goldmark/...", "text/template/..."]),
    "caddy": (caddy, ["github.com/caddyserver/...", "encoding/json", "strings", "reflect"]),
    "esbuild": (esbuild, ["github.com/evanw/..."]),
    "fzf": (fzf, ["*"]),
    "rclone": (rclone, ["github.com/rclone/rclone/fs/...", "github.com/rclone/rclone/backend/local/...", "os", "strings"]),
    "restic": (restic, ["github.com/restic/...", "encoding/json", "crypto/...", "os"]),
    "gh": (gh, ["github.com/cli/...", "github.com/spf13/...", "github.com/yuin/goldmark/..."]),
}


def put(at, files):
    at.mkdir(exist_ok=True)
    for name, text in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text)


def tree(at):
    """All files below `at`, by their contents."""
    return {str(p.relative_to(at)): hashlib.sha256(p.read_bytes()).hexdigest() for p in at.rglob("*") if p.is_file()}


def patterns(wanted):
    """A package's name means its functions and methods."""
    return [p if "*" in p or p.endswith("...") else p + ".*" for p in wanted]


def changes(at, work):
    """What `work` writes: its output, and the files that are new or different. (A repository of restic is
    never twice the same.)"""
    before = tree(at)
    stdin = open(at / "words", "rb") if (at / "words").exists() else subprocess.DEVNULL
    done = work(stdin)
    assert done.status == 0, done
    return done.out, {k: v for k, v in tree(at).items() if before.get(k) != v and not k.startswith("repo/")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_does_its_work_while_it_is_traced(tmp_path, name):
    program = shutil.which(name)
    if not program:
        pytest.skip("%s is not installed" % name)
    make, wanted = PROGRAMS[name]
    home = str(tmp_path / "home")
    env = {"HOME": home, "XDG_CONFIG_HOME": home, "TZ": "UTC", "NO_COLOR": "1", "GH_NO_UPDATE_NOTIFIER": "1"}
    trace = ["trace", "--json", "-o", tmp_path / "trace.json", *patterns(wanted), "--"]
    alone, traced = tmp_path / "alone", tmp_path / "traced"
    args = make(alone)
    expected = changes(alone, lambda stdin: goshawk.run_plain(program, *args, cwd=alone, env=env, stdin=stdin))
    make(traced)
    got = changes(traced, lambda stdin: goshawk.run(*trace, program, *args, cwd=traced, env=env, stdin=stdin,
                                                    timeout=600))
    assert got == expected
    objects = goshawk.read_lines(tmp_path / "trace.json")
    end = objects[-1]
    assert end["type"] == "end" and end["program_exit"] == 0, end
    assert traced_functions(program, wanted) >= 1000
    assert len({o["func"] for o in objects if o["type"] == "call"}) > 20, end


def traced_functions(program, wanted):
    listed = goshawk.run("funcs", "--json", program, *patterns(wanted), timeout=300)
    return listed.out.count('"probe":"ok"')
