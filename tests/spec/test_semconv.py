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


def test_metrics():
    known, text = dict(metrics()), (goshawk.ROOT / "src/span/metrics.c").read_text()
    rows = re.findall(r'\.name = "([^"]+)"(.*?)(?=\n\t\},)', text, re.S)
    assert len(rows) >= 5
    for name, row in rows:
        assert re.search(r'\) Unit\(\) string \{\n\treturn "s"', known[name]), name
        attributes = set(NAME.findall(row.split(".attrs", 1)[1])) - OF_THE_SDKS
        assert {a for a in attributes if '"%s"' % a not in known[name]} == set(), name
