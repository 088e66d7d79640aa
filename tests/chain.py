"""tests/go/spans-chain: three services, each with a goshawk that looks at it."""

import http.client
import signal
import subprocess

import goshawk
from attaching import line_of


class Service:
    """One of the three under `goshawk spans`, or first alone and then attached to, or alone all the time."""

    def __init__(self, program, url, name, *args, attach=False, alone=False, env={}):
        look = [str(goshawk.GOSHAWK), "spans", "--otlp", url]
        env = {"PATH": "/usr/bin:/bin", "OTEL_SERVICE_NAME": name, "OTEL_BSP_SCHEDULE_DELAY": "50", **env}
        self.p = self.looker = subprocess.Popen([*([] if attach or alone else [*look, "--"]), program, name, *args], text=True,
                                                env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, pid, self.at = line_of(self.p.stdout, "ready").split()
        if attach:
            self.looker = subprocess.Popen([*look, "-p", pid], text=True, env=env, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            assert "watched" in line_of(self.looker.stderr, "watched")

    def __enter__(self):
        return self

    def end(self):
        """What goshawk said at its end."""
        if self.looker is not self.p:
            self.looker.send_signal(signal.SIGINT)
            _, said = self.looker.communicate(timeout=60)
            assert self.looker.returncode == 0 and self.p.poll() is None, said
        out, err = self.p.communicate(timeout=60)
        assert (self.p.returncode, out) == (0, ""), err
        return err if self.looker is self.p else said

    def __exit__(self, *failed):
        for p in {self.p, self.looker}:
            if p.poll() is None:
                p.kill()
                p.communicate()


def get(at, path, **headers):
    c = http.client.HTTPConnection(at, timeout=60)
    c.request("GET", path, headers={"Cookie": "canary", **headers})
    answer = c.getresponse()
    body = answer.read().decode()
    c.close()
    return answer.status, body


def attributes(o):
    return {a["key"]: next(iter(a["value"].values())) for a in o["attributes"]}
