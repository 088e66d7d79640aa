"""A Kafka cluster of one broker, in memory: franz-go's, in a process of its own. It has the topic `orders`, of one partition."""

import contextlib
import subprocess

import gobuild
import others


@contextlib.contextmanager
def broker():
    """Its address."""
    program = others.module("kafka-broker", gobuild.NEWEST)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running.stdout.readline().strip()
        finally:
            running.stdin.close()
