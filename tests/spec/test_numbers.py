"""Limits that the documents tell are those that the code has."""
import re

import pytest

import goshawk

CONTEXT, PROPAGATE, TREE = "src/span/context.h", "src/inline/propagate.h", "src/out/span_tree.c"

# of a document: words around a number, the constant that it is, in units of
LIMITS = {
    "spans.md": [
        ("({} sets of 8 goroutines", PROPAGATE, "GOROUTINE_SETS", 1),
        (", {} spans that began one", PROPAGATE, "SPAN_SLOTS", 1),
        (", {} requests that are read", PROPAGATE, "PARENT_SLOTS", 1),
        ("being sent there is room for {},", PROPAGATE, "REQUEST_SLOTS", 1),
        ("more than {} of `tracestate`", PROPAGATE, "TEXT_SLOTS", 1),
        ("one of more than {} bytes is dropped", PROPAGATE, "TEXT_MOST", 1),
        ("beyond {} that are open", CONTEXT, "OPEN_SPANS_MOST", 1),
        ("of {} goroutines it is known", CONTEXT, "GOROUTINES_MOST", 1),
        ("A span keeps {} events", "src/span/events.h", "EVENTS_MOST", 1),
        ("all open spans together {} MB", "src/span/events.h", "EVENT_BYTES", 1 << 20),
        ("more than {} spans, or", TREE, "WAITING_MOST", 1),
        ("or {} MiB of their lines", TREE, "WAITING_BYTES", 1 << 20),
        ("the newest {} traces", "src/cmd/spans_read.c", "TRACES_SHOWN", 1),
        ("Of a trace {} spans are drawn", "src/out/waterfall.c", "ROWS_MOST", 1),
        ("and {} in HTML", "src/out/store_read.h", "STORED_SPANS_MOST", 1),
        ("`--store-size` ({}MiB;", "src/out/store_bound.h", "STORE_BYTES", 1 << 20),
        ("; {}MiB at least", "src/out/store_bound.h", "STORE_BYTES_LEAST", 1 << 20),
        ("{} bytes of a path", "src/span/url_path.h", "PATH_MOST", 1),
        ("{} of a user agent", "src/span/http.h", "AGENT_MOST", 1),
        ("Of long texts the first {} bytes", "src/span/sql_text.h", "SQL_TEXT_MOST", 1),
    ],
    "spans-export.md": [
        ("A metric has {} sets", "src/span/metrics.h", "METRIC_SERIES_MOST", 1),
        ("The queue has {} MiB", "src/out/otlp_queue.h", "QUEUE_BYTES_MOST", 1 << 20),
        ("spans from 1 to {},", "src/out/otlp_config.c", "QUEUE_MOST", 1),
        ("a list of pairs has {} at most", "src/span/otel_env.h", "OTEL_PAIRS_MOST", 1),
        ("of an answer {} KiB", "src/out/otlp_http.h", "ANSWER_MOST", 1 << 10),
    ],
    "tracing.md": [
        ("at most {} values of `--by`", "src/out/keys.h", "KEYS_MAX", 1),
        ("there are {}, under a seccomp filter", "src/inline/layout.h", "RINGS", 1),
        ("a seccomp filter {}. Where", "src/inline/place.c", "FILTERED_RINGS", 1),
        ("a constant text of 1 to {} bytes", "src/plan/expr_key.c", "KEY_MOST", 1),
        ("in equal steps, up to {}.", "src/out/hist.c", "LINEAR_MAX", 1),
    ],
    "manual.mdoc": [
        ("of 1 to {} bytes.", "src/plan/expr_key.c", "KEY_MOST", 1),
    ],
    "explain.md": [
        ("({} of those that wait)", "src/diag/explain_hang.c", "SHOWN", 1),
        ("where more than {} wait", "src/diag/waiting.c", "WAITERS_MOST", 1),
    ],
    "goroutines.md": [
        ("of a `select` the first {})", "src/go/waits.h", "WAIT_CHANNELS", 1),
    ],
    "json.md": [
        ("of a `select` the first {})", "src/go/waits.h", "WAIT_CHANNELS", 1),
        ("call its Done ({} at most)", "src/go/holders.h", "HOLDERS_MOST", 1),
        ("`cut`: more than {} frames", "src/out/goroutine.h", "GOROUTINE_LEVELS", 1),
        ("after the first {} different ones", "src/out/keys.h", "KEYS_MAX", 1),
    ],
    "stress.md": [
        ("at most {} bytes of the goroutine's stack", "src/inline/delay.h", "DELAY_STACK", 1),
    ],
    "until-crash.md": [
        ("as there are processors, up to {}.", "src/stress/lab.h", "LAB_JOBS", 1),
        ("`GOMAXPROCS` of at least {},", "src/stress/run.h", "RUN_PROCS", 1),
    ],
}


def constant(path, name):
    text = (goshawk.ROOT / path).read_text()
    [value] = re.findall(r"(?:\b%s = |#define %s )([^,}\n/]+)" % (name, name), text)
    value = re.sub(r"\((?:i64|u64)\)", "", value)
    value = re.sub(r"[A-Z][A-Z0-9_]+", lambda other: str(constant(path, other[0])), value)
    assert re.fullmatch(r"[0-9 <>*+()-]+", value), value
    return eval(value)


@pytest.mark.parametrize("document", LIMITS)
def test_limits(document):
    told = re.sub(r"\s+", " ", (goshawk.ROOT / "docs" / document).read_text())
    missing = []
    for words, path, name, unit in LIMITS[document]:
        n = constant(path, name) // unit
        if words.format(n) not in told and words.format("{:,}".format(n).replace(",", " ")) not in told:
            missing.append("%s: not %d (%s)" % (words, n, name))
    assert not missing
