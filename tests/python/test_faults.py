"""Faults of what is around the client, where a process of its own shows them: the name service, and the signals."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="by way of Linux's loader and /proc")

HEAD = """
import ctypes, isymphony, signal, sys, time
from isymphony.sandbox import Sandbox

def until(what, done):
    end = time.monotonic() + 15
    while not done():
        assert time.monotonic() < end, (what, live.health)
        time.sleep(0.005)
"""

# Stands in front of the C library's lookup of names: what it says of one name, another call sets.
NAMES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
enum { FAIL, HANG };
static const char *volatile answer;
static volatile int otherwise = FAIL;
void set_answer(const char *address, int instead) { otherwise = instead; answer = address ? strdup(address) : 0; }
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || strcmp(name, "pbx.example") != 0) return real(name, service, hints, result);
    while (!answer && otherwise == HANG) usleep(1000);
    return answer ? real(answer, service, hints, result) : EAI_NONAME;
}
"""


def python(program: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def test_a_name_that_fails_changes_its_answer_and_hangs(tmp_path: Path) -> None:
    source, library = tmp_path / "names.c", tmp_path / "names.so"
    source.write_text(NAMES)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    done = python(
        f"""
        names = ctypes.CDLL({str(library)!r})
        FAIL, HANG = 0, 1
        sandbox = Sandbox(users=5)
        url = sandbox.url.replace("127.0.0.1", "pbx.example")
        assert "pbx.example" in url
        settings = dict(backoff=(0.01, 0.1), connect_timeout=0.3, request_timeout=1, events=False, wait=None)
        settings |= dict(cadences={{kind: (0.02, 0.1) for kind in ("users", "extensions")}})
        settings |= dict(resources=["users", "extensions"])
        live = isymphony.connect(url, **settings)

        # It has no address: that is told, with the name.
        until("no address", lambda: live.health.last_error is not None)
        assert live.health.state == "connecting" and "pbx.example" in str(live.health.last_error), live.health
        # Its address is one where nobody listens; then it gets the right one.
        names.set_answer(b"127.0.0.2", FAIL)
        until("nobody there", lambda: "127.0.0.2" in str(live.health.last_error))
        names.set_answer(b"127.0.0.1", FAIL)
        live.wait(15)
        until("live", lambda: live.health.state == "live")

        name = lambda: live.snapshot().core_servers["default"].extensions["4224"].display_name
        before = name()
        for instead in (FAIL, HANG):
            # The name service goes, and then the server for a while: what was known of both helps.
            names.set_answer(None, instead)
            sandbox.stop_listening()
            until("down", lambda: live.health.state == "stale")
            assert name() == before
            sandbox.set_display_name("4224", f"Michael {{instead}}")
            sandbox.start_listening()
            until("up", lambda: live.health.state == "live" and name() == f"Michael {{instead}}")
            before = name()

        # What hangs holds nothing up: neither a client that knows the name, nor one that does not.
        new = isymphony.connect(url, **settings)
        try:
            new.wait(1)
        except isymphony.SyncTimeout as error:
            assert "pbx.example" in str(error), error
        for client in (live, new):
            started = time.monotonic()
            client.close()
            assert time.monotonic() - started < 1
        print("well")
        """,
        environment={"LD_PRELOAD": str(library)},
    )
    assert (done.stdout, done.returncode) == ("well\n", 0), done.stderr


def test_no_signal_is_taken_over_and_a_broken_connection_raises_none() -> None:
    done = python(
        """
        def standing():
            with open("/proc/self/status") as status:
                return [line for line in status if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]

        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        sandbox = Sandbox(users=5)
        before = standing()
        settings = dict(backoff=(0.001, 0.02), cadences={"extensions": (0.001, 0.005)})
        with isymphony.connect(sandbox.url, **settings) as live, live.watch() as watch:
            extension = live.extension("4224")
            for fault in ("reset=0", "drop", "cut=0", "reset=100"):
                sandbox.fault(f"{fault}; for=300ms")
                failed = live.metrics()["failed_requests"]
                until(fault, lambda: live.metrics()["failed_requests"] > failed + 3)
                for _ in range(20):
                    try:
                        extension.originate("5551234")
                    except isymphony.IsymphonyError:
                        pass
                sandbox.clear_faults()
                until("live", lambda: live.health.state == "live")
                live.refresh(timeout=10)
            watch.next(0)
        assert standing() == before, (before, standing())
        print("well")
        """
    )
    assert (done.stdout, done.returncode) == ("well\n", 0), done.stderr
