"""The process around it: signals, exits, forks, interpreters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

HEAD = """
import isymphony, os, signal, sys, threading, time
from isymphony.sandbox import Sandbox
"""


def python(
    program: str, timeout: float = 30, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    source = HEAD + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(environment or {})},
    )


BLOCKING = {
    "connect": "sandbox.stop_listening(); print('go', flush=True); isymphony.connect(sandbox.url, wait=60)",
    "wait": (
        "sandbox.stop_listening(); live = isymphony.connect(sandbox.url, wait=None);"
        "print('go', flush=True); live.wait()"
    ),
    "refresh": (
        "live = isymphony.connect(sandbox.url); sandbox.fault(stall='before_head');"
        "print('go', flush=True); live.refresh()"
    ),
    "act": (
        "live = isymphony.connect(sandbox.url); sandbox.fault(stall='before_head', method='POST');"
        "print('go', flush=True); live.extension('4224').originate('1')"
    ),
    "ticket": (
        "live = isymphony.connect(sandbox.url); sandbox.fault(stall='before_head', method='GET');"
        "ticket = live.extension('4224').originate('1'); print('go', flush=True); ticket.wait()"
    ),
    "doctor": "print('go', flush=True); isymphony.doctor(sandbox.url, max_requests_per_second=2)",
}


@pytest.mark.parametrize("what", BLOCKING)
def test_ctrl_c_ends_what_waits(what: str) -> None:
    program = f"""
sandbox = Sandbox(users=2)
try:
    {BLOCKING[what]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - started < 0.5
        _, errors = process.communicate(timeout=10)
        assert time.monotonic() - started < 2
        assert process.returncode == 0, errors


def test_other_signals_run_their_handlers_meanwhile() -> None:
    done = python(
        """
        signal.signal(signal.SIGALRM, lambda *_: print("alarm", flush=True))
        sandbox = Sandbox(users=2)
        sandbox.stop_listening()
        live = isymphony.connect(sandbox.url, wait=None)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        started = time.monotonic()
        try:
            live.wait(0.6)
        except isymphony.SyncTimeout as error:
            assert "600ms" in str(error), error
            print("then", 0.5 < time.monotonic() - started < 2)
        """
    )
    assert (done.stdout, done.returncode) == ("alarm\nthen True\n", 0), done.stderr


IN_AN_EVENT_LOOP = """
import asyncio
async def main():
    {first}
    async for change in live.watch(["queues"], initial={initial}, events=False):
        {then}
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "sys.exit(0)",
        "threading.Thread(target=lambda: live.extension('4224').originate('1').wait(10)).start()",
        "threading.Thread(target=lambda: live.wait(), daemon=True).start()",
        "del sandbox",
        "sandbox.fault(stall='before_head'); threading.Thread(target=live.refresh, daemon=True).start(); time.sleep(1)",
        "sys.keep = [live, live.extension('4224').get(), live.extension('4224').originate('1')]",
        "for change in live.watch(initial=True): sys.exit()",
        "for change in live.watch(initial=True): live.close()",
        "threading.Thread(target=lambda: [sys.exit() for change in live.watch(initial=True)]).start()",
        "threading.Thread(target=live.watch(['queues'], events=False).next, daemon=True).start(); time.sleep(0.3)",
        "threading.Thread(target=lambda: list(live.watch()), daemon=True).start(); time.sleep(0.3)",
        IN_AN_EVENT_LOOP.format(first="pass", initial=True, then="sys.exit()"),
        IN_AN_EVENT_LOOP.format(first="pass", initial=True, then="live.close()"),
        IN_AN_EVENT_LOOP.format(
            first="asyncio.get_running_loop().call_later(0.2, sys.exit)", initial=False, then="pass"
        ),
    ],
)
def test_exit_with_a_live_client_does_not_hang(end: str) -> None:
    started = time.monotonic()
    done = python(f"sandbox = Sandbox(users=5, calls_per_second=50)\nlive = isymphony.connect(sandbox.url)\n{end}\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert time.monotonic() - started < 10


def test_exit_meets_no_thread_within_the_library() -> None:
    for _ in range(8):
        done = python(
            """
            sandbox = Sandbox(users=20, calls_at_start=5)
            live = isymphony.connect(sandbox.url)
            handle = live.extension("4224")
            sandbox.fault(delay=30, on="*/originate")

            def read():
                while True:
                    server = live.snapshot().core_servers["default"]
                    list(server.call_segments)
                    for extension in server.extensions.values():
                        extension.raw, extension.id
                    handle.resolve()
                    try:
                        server.extensions["9999"]
                    except LookupError:
                        pass

            for work in (read, read, live.watch().next, lambda: handle.originate("1")):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.1)
            """
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_objects_outlive_everything() -> None:
    done = python(
        """
        import gc
        with Sandbox(users=5) as sandbox, isymphony.connect(sandbox.url) as live:
            server = live.snapshot().core_servers["default"]
            extension, iterator, view = server.extensions["4224"], iter(server.users), server.queues.items()
            change = live.snapshot().diff(live.snapshot())
        del live, sandbox, server
        gc.collect()
        assert extension.users[0].extensions == (extension,)
        assert len(list(iterator)) == 5 and len(list(view)) == 3
        print("fine")
        """
    )
    assert done.stdout == "fine\n", done.stderr


def test_cycles_are_collected() -> None:
    done = python(
        """
        import gc, weakref
        with Sandbox(users=2) as sandbox:
            class Program: pass
            program = Program()
            program.live = isymphony.connect(sandbox.url)
            program.me = program
            gone = weakref.ref(program.live)
            del program
            gc.collect()
            assert gone() is None
            print("fine")
        """
    )
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_and_syncs() -> None:
    done = python(
        """
        import warnings
        warnings.simplefilter("ignore")
        sandbox = Sandbox(users=5)
        live = isymphony.connect(sandbox.url)
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                before = live.snapshot().core_servers["default"].extensions["4224"].display_name
                os.read(read, 1)
                live.refresh(10)
                after = live.extension("4224").get().display_name
                ticket = live.extension("4224").originate("1")
                live.close()
                os._exit(0 if before != "New" and after == "New" and ticket.outcome == "accepted" else 1)
            finally:
                os._exit(2)
        sandbox.set_display_name("4224", "New")
        os.write(write, b"x")
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        assert live.refresh(5).core_servers["default"].extensions["4224"].display_name == "New"
        """
    )
    assert done.stdout == "0\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_ends_no_sandbox_of_its_parent() -> None:
    done = python(
        """
        import http.client, warnings
        warnings.simplefilter("ignore")
        sandbox = Sandbox(users=5)
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)

        def answers():
            connection.request("GET", "/communication_manager/rest/live/coreServers")
            answer = connection.getresponse()
            return answer.status == 200 and bool(answer.read())

        assert answers()
        socket = connection.sock
        for how in ("close", "drop"):
            child = os.fork()
            if not child:
                if how == "close":
                    sandbox.close()
                del sandbox
                os._exit(0)
            os.waitpid(child, 0)
        print(answers() and connection.sock is socket)
        """
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_of_multiprocessing_that_is_forked_has_the_client() -> None:
    done = python(
        """
        import multiprocessing, warnings
        warnings.simplefilter("ignore")
        sandbox = Sandbox(users=5)
        sandbox.set_display_name("4224", "Old")
        live = isymphony.connect(sandbox.url)
        name = lambda: live.extension("4224").get().display_name

        def child(pipe):
            pipe.send(name())
            pipe.recv()
            live.refresh(10)
            pipe.send(name())

        fork = multiprocessing.get_context("fork")
        pairs = [fork.Pipe() for _ in range(4)]
        processes = [fork.Process(target=child, args=(inner,)) for _, inner in pairs]
        for process in processes:
            process.start()
        print({outer.recv() for outer, _ in pairs})
        sandbox.set_display_name("4224", "New")
        for outer, _ in pairs:
            outer.send("sync")
        print({outer.recv() for outer, _ in pairs})
        for process in processes:
            process.join(20)
        live.refresh(10)
        print({process.exitcode for process in processes}, name())
        """
    )
    assert done.stdout == "{'Old'}\n{'New'}\n{0} New\n", done.stderr


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_process_of_multiprocessing_that_is_new_gets_values_and_paths(method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        HEAD
        + textwrap.dedent(
            """
            import multiprocessing, pickle

            def child(pipe, url, extension, path):
                pipe.send((extension.display_name, extension.path == path, extension.age > 0))
                pipe.recv()
                with isymphony.connect(url) as live:
                    found = live.handle(path).get()
                    pipe.send((found.display_name, found.id == extension.id))

            def is_refused(what):
                try:
                    pickle.dumps(what)
                except TypeError as error:
                    return type(what).__name__ in str(error)
                return False

            def main():
                sandbox = Sandbox(users=5)
                sandbox.set_display_name("4224", "Old")
                live = isymphony.connect(sandbox.url)
                handle = live.extension("4224")
                assert all(is_refused(what) for what in (live, live.snapshot(), live.watch(), handle))
                context = multiprocessing.get_context(sys.argv[1])
                outer, inner = context.Pipe()
                extension = handle.get()
                process = context.Process(target=child, args=(inner, sandbox.url, extension, extension.path))
                process.start()
                print(*outer.recv())
                sandbox.set_display_name("4224", "New")
                outer.send("sync")
                print(*outer.recv())
                process.join(20)
                print(process.exitcode, live.refresh(10).core_servers["default"].extensions["4224"].display_name)

            if __name__ == "__main__":
                main()
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(program), method], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "Old True True\nNew True\n0 New\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_log_records_of_its_own() -> None:
    done = python(
        """
        import logging, warnings
        warnings.simplefilter("ignore")
        parent, hanging, release, got = os.getpid(), threading.Event(), threading.Event(), []

        class Handler(logging.Handler):
            def handle(self, record):  # Without the lock of a handler, which a thread holds that a child has not got.
                got.append((os.getpid(), record.name))
                if os.getpid() == parent and not release.is_set():
                    hanging.set()
                    release.wait(20)

        sandbox = Sandbox(users=2)
        live = isymphony.connect(sandbox.url)
        logger = logging.getLogger("isymphony")
        logger.setLevel(logging.INFO)
        isymphony.drain_log()
        logger.addHandler(Handler())
        thread = threading.Thread(target=lambda: live.extension("4224").originate("1"))
        thread.start()
        assert hanging.wait(10)
        other = isymphony.connect(sandbox.url)  # What it logs waits: the other thread is in the middle of handing over.

        def child():
            signal.alarm(20)
            got.clear()
            isymphony.drain_log()
            assert got == [], got
            live.extension("4224").originate("2")
            assert (os.getpid(), "isymphony.action") in got, got
            return 0

        codes = []
        for _ in range(3):
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    code = child()
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        release.set()
        thread.join(10)
        assert codes == [0, 0, 0], codes
        before = len(got)
        isymphony.drain_log()
        assert len(got) > before  # What waited in the parent is still there.
        print("fine")
        """,
        timeout=90,
    )
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_never_waits_for_a_thread_that_is_not_there() -> None:
    done = python(
        """
        import gc, warnings
        warnings.simplefilter("ignore")
        sandbox = Sandbox(users=2)
        live = isymphony.connect(sandbox.url)
        watch, idle = live.watch(["queues"], events=False), live.watch(["queues"], events=False)
        threading.Thread(target=watch.next, daemon=True).start()

        def is_closed(call):
            try:
                call()
            except isymphony.Closed as error:
                return "fork" in str(error)
            return False

        def child():
            signal.alarm(10)
            assert idle.next(0) is None and "open" in repr(idle) and idle.merged == 0 and idle.fileno() >= 0
            if not is_closed(lambda: watch.next(0)):
                return 3  # The thread was between two waits.
            assert is_closed(watch.fileno) and is_closed(watch.next)
            assert list(watch) == [] and watch.merged == 0 and "closed" in repr(watch)
            watch.close()
            globals().pop("watch")
            gc.collect()
            return 0

        codes = set()
        for _ in range(5):
            time.sleep(0.13)
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    code = child()
                finally:
                    os._exit(code)
            codes.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        assert 0 in codes and codes <= {0, 3}, codes
        assert idle.next(0) is None
        print("fine")
        """,
        timeout=90,
    )
    assert done.stdout == "fine\n", done.stderr


def test_a_second_interpreter_is_refused_clearly() -> None:
    done = python(
        """
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        other = interpreters.create()
        program = "try: import isymphony\\nexcept ImportError as error: print(error, flush=True)"
        problem = interpreters.run_string(other, program)
        assert not problem, problem
        """
    )
    assert "one interpreter" in done.stdout or "subinterpreters" in done.stdout, done.stdout + done.stderr


def test_importing_is_cheap() -> None:
    done = python("print(sorted(set(sys.modules) & {'typing', 'logging', 'json', 'uuid', 'asyncio', 'pytest'}))")
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(sorted(set(sys.modules) & {'typing', 'logging', 'json'}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == plain.stdout, done.stderr


# Stands in front of the C library's clocks, and sets one of them forward or back.
CLOCKS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static long shifts[16];
void set_clock(int clock, long seconds) { __atomic_store_n(&shifts[clock], seconds, __ATOMIC_SEQ_CST); }
int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *);
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (clock >= 0 && clock < 16) time->tv_sec += __atomic_load_n(&shifts[clock], __ATOMIC_SEQ_CST);
    return result;
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="clocks are set by way of Linux's loader")
def test_clocks_that_are_set_and_an_hour_asleep(tmp_path: Path) -> None:
    source, library = tmp_path / "clocks.c", tmp_path / "clocks.so"
    source.write_text(CLOCKS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    done = python(
        f"""
        import ctypes, datetime
        clocks = ctypes.CDLL({str(library)!r})
        YEAR, HOUR = 365 * 86400, 3600

        def until(done):
            end = time.monotonic() + 10
            while not done():
                assert time.monotonic() < end, live.health
                time.sleep(0.005)

        with Sandbox(users=20) as sandbox, isymphony.connect(sandbox.url) as live:
            name = lambda: live.snapshot().core_servers["default"].extensions["4224"].display_name
            user = lambda: live.snapshot().core_servers["default"].users["mike"]
            confirmed = user().confirmed_at
            # Set by a year either way, the wall clock changes nothing but what is displayed.
            for number, shift in enumerate([YEAR, -YEAR]):
                clocks.set_clock(time.CLOCK_REALTIME, shift)
                assert abs(time.time() - confirmed.timestamp()) > YEAR - HOUR
                assert live.snapshot().age < 60 and live.health.state == "live"
                assert abs(user().confirmed_at.timestamp() - time.time()) < 60
                assert live.snapshot(max_age=60)
                sandbox.set_display_name("4224", f"Set {{number}}")
                live.refresh(timeout=10)
                assert name() == f"Set {{number}}" and live.health.state == "live"
            clocks.set_clock(time.CLOCK_REALTIME, 0)
            # An hour asleep: all is an hour old, which is told at once; then it is read, once.
            asked = len(sandbox.requests)
            old = live.snapshot()
            clocks.set_clock(time.CLOCK_BOOTTIME, HOUR)
            assert HOUR <= old.age < HOUR + 60, old.age
            until(lambda: live.health.state == "live" and live.snapshot().age < 60)
            time.sleep(1)
            asked = len(sandbox.requests) - asked
            assert asked <= 2 * live.metrics()["collections"], (asked, live.metrics())
            assert live.snapshot().epoch == 1 and name() == "Set 1"
            print("well")
        """,
        environment={"LD_PRELOAD": str(library)},
    )
    assert done.stdout == "well\n", done.stderr
