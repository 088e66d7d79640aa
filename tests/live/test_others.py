"""Programs that others built, doing real work: a thousand functions and more are traced, and what the
program does is what it does alone."""

import hashlib
import json
import re
import shutil
import subprocess

import pytest

import gobuild
import goshawk
import others

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
    return ["-q", "--no-cache", "-r", "repo", "-p", "password", "restore", "latest", "--target", "out",
            "--verify"]


def gh(at):
    put(at, {})
    return ["help", "reference"]


def promtool(at):
    put(at, {"rules.yml": "groups:\n- name: g\n  rules:\n"
                          "  - {record: 'job:requests:rate5m', expr: 'sum by (job) (rate(requests_total[5m]))'}\n"
                          "  - {alert: Slow, expr: 'job:requests:rate5m > 1', for: 2m, labels: {severity: page},\n"
                          "     annotations: {summary: '{{ $labels.job }} at {{ $value }}'}}\n",
             "tests.yml": "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
                          "  - {series: 'requests_total{job=\"a\",path=\"/x\"}', values: '0+120x30'}\n"
                          "  - {series: 'requests_total{job=\"b\",path=\"/y\"}', values: '0+6x30'}\n"
                          "  promql_expr_test:\n  - expr: job:requests:rate5m\n    eval_time: 10m\n    exp_samples:\n"
                          "    - {labels: 'job:requests:rate5m{job=\"a\"}', value: 2}\n"
                          "    - {labels: 'job:requests:rate5m{job=\"b\"}', value: 0.1}\n"
                          "  alert_rule_test:\n  - eval_time: 12m\n    alertname: Slow\n    exp_alerts:\n"
                          "    - {exp_labels: {severity: page, job: a}, exp_annotations: {summary: a at 2}}\n"})
    return ["test", "rules", "tests.yml"]


def docker(at):
    put(at, {})
    return ["--config", "client", "context", "create", "far", "--docker", "host=tcp://10.0.0.1:2375",
            "--description", "A daemon that nobody asks"]


def dockerd(at):
    """It looks at its whole configuration before it begins, and does not like this one."""
    put(at, {"daemon.json": '{"debug": true, "labels": ["a=b"], "storage-drivers": "vfs"}\n'})
    return ["--config-file", "daemon.json"]


def syncthing(at):
    """Its keys are random: those of one run are there when both of the others begin."""
    made = at.parent / "keys"
    if not made.exists():
        done = goshawk.run_plain(others.debian("syncthing"), "generate", "--home", made, "--skip-port-probing",
                                 env={"HOME": str(at.parent)})
        assert done.status == 0, done
    put(at, {})
    shutil.copytree(made, at / "keys")
    return ["generate", "--home", "keys", "--gui-user", "harvest", "--skip-port-probing"]


def dlv(at):
    """It traces a program itself, with ptrace."""
    program = gobuild.build("odd", "1.19.13")
    put(at, {"commands": "break main.mix\ncontinue\nargs\nstack\nfuncs main\ntypes main\ndisassemble\n"
                         "clearall\ncontinue\nquit\n"})
    return ["exec", "--allow-non-terminal-interactive", "--init", "commands", program, "--", "exit", "0"]


def tsgo(at):
    put(at, {"a.ts": "interface Crate<T> { readonly of: T; count: number }\n"
                     "type Heavy = { weight: number };\n"
                     "export function heaviest<T extends Heavy>(all: Crate<T>[]): Crate<T> | undefined {\n"
                     "\treturn all.reduce<Crate<T> | undefined>((best, c) => best ?? c, undefined);\n}\n"
                     'export const wrong: number = heaviest([{ of: { weight: 1 }, count: "2" }]);\n'
                     "export enum Kind { Apple = 1, Pear }\n"
                     "export class Shop {\n\tprivate stock = new Map<Kind, Crate<Heavy>>();\n"
                     "\tasync sell(k: Kind) { return this.stock.get(k)?.count ?? 0 }\n}\n"})
    return ["--outDir", "out", "--target", "es2015", "--module", "nodenext", "--declaration", "--sourceMap", "a.ts"]


def gofumpt(at):
    """What it formats is Go's own; it writes the difference."""
    put(at, {})
    source = gobuild.goroot("1.22.12") / "src" / "net" / "http"
    shutil.copy(source / "fs.go", at / "fs.go")
    return ["-d", "-extra", "fs.go"]


def gojq(at):
    put(at, {"crates.json": json.dumps([{"of": "apple pear fig".split()[i % 3], "weight": i * 7919 % 100 / 3,
                                         "at": 1700000000 + i} for i in range(300)])})
    return ["group_by(.of) | map({of: .[0].of, all: (map(.weight) | add), most: (max_by(.weight).at | todate),"
            " some: (map(select(.weight > 30)) | length), names: (map(.of | test(\"^a.*e$\")) | unique)})",
            "crates.json"]


class Other:
    """A program, the work that it is given, and what is traced: its own packages and libraries."""

    def __init__(self, make, *wanted, find=others.debian, status=0, says=(), options=()):
        self.make, self.wanted, self.find, self.status = make, wanted, find, status
        self.says, self.options = says, options  # on stderr, with and without us

    def patterns(self):
        """A package's name means its functions and methods."""
        return [p if "*" in p or p.endswith("...") else p + ".*" for p in self.wanted]


def from_npm(package, version, path):
    return lambda name: others.npm(package, version, path)


def from_proxy(package, version, release=gobuild.NEWEST):
    return lambda name: others.proxied(package, version, release)


TS = "github.com/microsoft/typescript-go/internal/"
PROGRAMS = {
    "hugo": Other(hugo, "github.com/gohugoio/...", "github.com/yuin/goldmark/...", "text/template/..."),
    "caddy": Other(caddy, "github.com/caddyserver/...", "encoding/json", "strings", "reflect"),
    "esbuild": Other(esbuild, "github.com/evanw/..."),
    "esbuild of npm": Other(esbuild, "github.com/evanw/...",
                            find=from_npm("@esbuild/linux-x64", "0.28.2", "bin/esbuild")),
    "fzf": Other(fzf, "*"),
    "rclone": Other(rclone, "github.com/rclone/rclone/fs/...", "github.com/rclone/rclone/backend/local/...", "os",
                    "strings"),
    "restic": Other(restic, "github.com/restic/...", "encoding/json", "crypto/...", "os"),
    "gh": Other(gh, "github.com/cli/...", "github.com/spf13/...", "github.com/yuin/goldmark/..."),
    "promtool": Other(promtool, "github.com/prometheus/...", "text/template/..."),
    "docker": Other(docker, "github.com/docker/cli/...", "encoding/json", "os", "text/...", "reflect"),
    "dockerd": Other(dockerd, "github.com/docker/docker/...", "encoding/json", "reflect", "os", status=1,
                     says=["unable to configure the Docker daemon with file daemon.json", "storage-drivers"]),
    "syncthing": Other(syncthing, "github.com/syncthing/...", "encoding/...", "crypto/...", "reflect"),
    "dlv": Other(dlv, "github.com/go-delve/...", "debug/..."),
    "tsgo": Other(tsgo, TS + "printer/...", TS + "transformers/...", TS + "compiler/...", TS + "tsoptions/...",
                  TS + "sourcemap/...", TS + "execute/...", status=2, options=["--depth-of-values", "1"],
                  find=from_npm("@typescript/native-preview-linux-x64", "7.0.0-dev.20260707.2", "lib/tsgo")),
    "gofumpt": Other(gofumpt, "mvdan.cc/...", "go/...", "strings", "text/...", "reflect", "fmt", "os", "regexp/...",
                     status=1, options=["--depth-of-values", "1"],
                     find=from_proxy("mvdan.cc/gofumpt", "v0.8.0")),
    "gojq": Other(gojq, "github.com/itchyny/...", "encoding/...", "math/...", "strconv", "time", "regexp/...",
                  find=from_proxy("github.com/itchyny/gojq/cmd/gojq", "v0.12.17")),
}


def put(at, files):
    at.mkdir(exist_ok=True)
    for name, text in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(text)


def tree(at):
    """All files below `at`, by their contents."""
    return {str(p.relative_to(at)): hashlib.sha256(p.read_bytes()).hexdigest() for p in at.rglob("*") if p.is_file()}


def changes(at, other, work):
    """What `work` writes: its output, and the files that are new or different. (A repository of restic is
    never twice the same.)"""
    before = tree(at)
    stdin = open(at / "words", "rb") if (at / "words").exists() else subprocess.DEVNULL
    done = work(stdin)
    assert done.status == other.status, done
    for part in other.says:
        assert part in done.err, done
    written = {k: v for k, v in tree(at).items() if before.get(k) != v and not k.startswith("repo/")}
    assert done.out or written or other.says, done
    return re.sub("Process [0-9]+ has exited", "it has exited", done.out), written


@pytest.mark.parametrize("name", PROGRAMS)
def test_does_its_work_while_it_is_traced(tmp_path, name):
    other = PROGRAMS[name]
    program = other.find(name)
    home = str(tmp_path / "home")
    env = {"HOME": home, "XDG_CONFIG_HOME": home, "TZ": "UTC", "NO_COLOR": "1", "GH_NO_UPDATE_NOTIFIER": "1"}
    trace = ["trace", "--json", "-o", tmp_path / "trace.json", *other.options, *other.patterns(), "--"]
    alone, traced = tmp_path / "alone", tmp_path / "traced"
    args = other.make(alone)
    expected = changes(alone, other, lambda stdin: goshawk.run_plain(program, *args, cwd=alone, env=env, stdin=stdin))
    other.make(traced)
    got = changes(traced, other, lambda stdin: goshawk.run(*trace, program, *args, cwd=traced, env=env, stdin=stdin,
                                                           timeout=600))
    assert got == expected
    objects = goshawk.read_lines(tmp_path / "trace.json")
    end = objects[-1]
    assert end["type"] == "end" and end["program_exit"] == other.status, end
    assert others.traceable(program, other.patterns()) >= 1000
    assert len({o["func"] for o in objects if o["type"] == "call"}) > 20, end
