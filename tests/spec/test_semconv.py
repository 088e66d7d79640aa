"""Names of attributes and metrics, and the values that are names, are those of OpenTelemetry's published semantic conventions."""
import re

import goshawk
import others

CONVENTIONS = "go.opentelemetry.io/otel", "v1.47.0"
FOLDER = "semconv/v1.43.0/"
OWN = {"log.severity", "log.message"}  # docs/spans.md says why
OF_THE_SDKS = {"otel.metric.overflow"}  # by the specification of metrics, not by the conventions
METRICS = {"http": "httpconv", "rpc": "rpcconv", "db": "dbconv", "messaging": "messagingconv"}
NAME = re.compile(r'"([a-z]+(?:\.[a-z_]+)+)"')


def published(path):
    return others.module_file(*CONVENTIONS, FOLDER + path)


def keys():
    return set(re.findall(r'attribute\.Key\("([^"]+)"\)', published("attribute_group.go")))


def metrics():
    """Of each duration: what the conventions say of it."""
    for namespace in METRICS.values():
        for about in published(namespace + "/metric.go").split("\ntype ")[1:]:
            name = re.search(r'\) Name\(\) string \{\n\treturn "(.*)"', about)
            if name:
                yield name[1], about


def test_names_of_attributes():
    known, said = keys(), set()
    namespaces = {key.split(".")[0] for key in known}
    values = set(re.findall(r'NameKey\.String\("([^"]+)"\)', published("attribute_group.go")))
    for folder in ("span", "out"):
        for path in (goshawk.ROOT / "src" / folder).glob("*.c"):
            said |= {name for name in NAME.findall(path.read_text()) if name.split(".")[0] in namespaces}
    said -= {name for name, _ in metrics()} | values
    assert said - known == OWN | OF_THE_SDKS
    assert len(said) > 30 and {"http.route", "db.query.text", "rpc.response.status_code"} <= said


def test_schema():
    assert published("schema.go").split("const SchemaURL = ")[1].split()[0] in (goshawk.ROOT / "src/out/otlp_encode.h").read_text()


def test_systems_of_databases():
    systems = set(re.findall(r'DBSystemNameKey\.String\("([^"]+)"\)', published("attribute_group.go")))
    text = (goshawk.ROOT / "src/span/sql.c").read_text()
    said = set(re.findall(r'^\t\{ "[^"]+", "([^"]+)", SQL_', text, re.M))
    assert {"postgresql", "mysql", "sqlite"} <= said <= systems


def recorded(about):
    """The attributes that a recorder or adder sets by itself: those that are required."""
    record = re.search(r"\) (?:Record|Add)\(.*?\n}", about, re.S)
    return set(re.findall(r'attribute\.\w+\("([^"]+)"', record[0])) if record else set()


def test_metrics():
    known, text = dict(reversed(list(metrics()))), (goshawk.ROOT / "src/span/metrics.c").read_text()
    text = text.replace("MESSAGING", re.search(r"#define MESSAGING \\\n(.*?)\n\n", text, re.S)[1].replace("\\\n", ""))
    bounds = [float(n) for n in re.findall(r"[0-9.]+", re.search(r"call_bounds\[\] = \{(.*?)\}", text, re.S)[1])]
    rows = re.findall(r'\.about = \{ "([^"]+)",(.*?)(?=\n\t\},)', text, re.S)
    assert len(rows) == 9 and {name for name in known if name.startswith("messaging.")} <= {name for name, _ in rows}
    for name, row in rows:
        about, attrs = row.split(".attrs", 1)
        what = re.search(r'\) Description\(\) string \{\n\treturn "(.*)"', known[name])[1]
        assert "".join(re.findall(r'"([^"]*)"', about.split(" }", 1)[0])) == what, name
        unit = re.search(r'\) Unit\(\) string \{\n\treturn "(.*)"', known[name])[1]
        assert ("DURATION(" in row, "MESSAGES }" in row) == (unit == "s", unit == "{message}"), name
        advice = re.search(r"Boundaries\(\[\]float64\{(.*?)\}", known[name])
        assert not advice or "DURATION(call_bounds)" in about and [float(n) for n in advice[1].split(",")] == bounds, name
        attributes = set(NAME.findall(attrs)) - OF_THE_SDKS
        assert {a for a in attributes if '"%s"' % a not in known[name]} == set(), name
        assert recorded(known[name]) and recorded(known[name]) <= attributes, name
