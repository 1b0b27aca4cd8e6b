"""Records of the library's own threads reach `logging`, on threads of the application only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import isymphony
import pytest
from conftest import eventually
from isymphony.sandbox import Sandbox


def test_records_reach_the_logger(isymphony_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "isymphony"), isymphony.connect(isymphony_sandbox.url) as live:
        live.extension("4224").originate("5551234")
        records = [record for record in caplog.records if record.name == "isymphony.action"]
        assert records
        assert records[0].levelno == logging.INFO
        assert "outcome=accepted" in records[0].getMessage()
        assert abs(records[0].created - logging.LogRecord("", 0, "", 0, "", (), None).created) < 30
        assert all(record.name.startswith("isymphony") for record in caplog.records)


@pytest.mark.parametrize("isymphony_sandbox", [{"users": 2, "lite_users": 1}], indirect=True)
def test_a_status_that_cannot_be_set_is_logged_once(
    isymphony_live: isymphony.Live, caplog: pytest.LogCaptureFixture
) -> None:
    nobody, user = isymphony_live.user("nobody"), isymphony_live.user("4224")
    lite = isymphony_live.user("mike").get()
    calls: list[Callable[[], object]] = [
        lambda: nobody.set_status("Lunch", "away"),
        lambda: nobody.set_status_like("Lunch"),
        lambda: user.set_status_like("No such status"),
        lambda: user.get().set_status_like("No such status"),
        lambda: lite.set_status("Lunch", "away"),
        lambda: isymphony_live.user("mike").set_status("Lunch", "away"),
    ]
    with caplog.at_level(logging.INFO, "isymphony.action"):
        for call in calls:
            caplog.clear()
            with pytest.raises(isymphony.NotFound, match="not sent"):
                call()
            isymphony.drain_log()
            (line,) = [record.getMessage() for record in caplog.records if record.name == "isymphony.action"]
            assert line.startswith('action="Status.set" ')
            assert " sent=no tries=0 http=- outcome=refused " in line
            assert "code=not_found" in line


def test_levels_are_those_of_logging(isymphony_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "isymphony"), isymphony.connect(isymphony_sandbox.url) as live:
        live.extension("4224").originate("5551234")
        isymphony.drain_log()
        assert not caplog.records


def test_passwords_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = "s3cr3t-word"
    with Sandbox(users=2, username="u", password=secret) as sandbox, caplog.at_level(1, "isymphony"):
        with isymphony.connect(sandbox.url, username="u", password=secret) as live:
            sandbox.set_credentials("u", "other")
            with pytest.raises(isymphony.TimedOut):
                live.refresh(0.3)
            live.set_credentials("u", "other")
            eventually(lambda: live.health.state == "live")
        isymphony.drain_log()
        assert caplog.records
        assert secret not in caplog.text


def test_a_handler_may_call_the_library_and_may_block(isymphony_sandbox: Sandbox) -> None:
    """What would deadlock if a thread of the library waited for a handler, or a lock were held while one runs."""
    release, seen = threading.Event(), threading.Event()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            live.health  # noqa: B018
            live.snapshot()
            isymphony.drain_log()
            seen.set()
            release.wait(10)

    handler = Handler()
    logger = logging.getLogger("isymphony")
    with isymphony.connect(isymphony_sandbox.url) as live:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            isymphony.drain_log()
            blocked = threading.Thread(target=lambda: live.extension("4224").originate("1"))
            blocked.start()
            assert seen.wait(10)
            # One thread hangs in a handler; the sync and all other threads go on.
            isymphony_sandbox.set_display_name("4224", "Meanwhile")
            assert live.refresh(10).core_servers["default"].extensions["4224"].display_name == "Meanwhile"
            assert live.extension("4224").originate("2").outcome == "accepted"
            assert live.health.state == "live"
            release.set()
            blocked.join(10)
            assert not blocked.is_alive()
        finally:
            release.set()
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)


def test_a_handler_that_raises_harms_nobody(isymphony_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("no")

    raised: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", raised.append)
    handler = Handler()
    logger = logging.getLogger("isymphony")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with isymphony.connect(isymphony_sandbox.url) as live:
            assert live.extension("4224").originate("1").outcome == "accepted"
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert raised


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_handler_goes_to_the_caller(
    isymphony_sandbox: Sandbox, interrupt: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Handler(logging.Handler):
        armed = True

        def emit(self, record: logging.LogRecord) -> None:
            if self.armed:
                self.armed = False
                raise interrupt

    raised: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", raised.append)
    handler = Handler()
    logger = logging.getLogger("isymphony")
    with isymphony.connect(isymphony_sandbox.url) as live:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        calls: list[Callable[[], object]] = [
            lambda: live.extension("4224").originate("1"),
            lambda: live.watch(["extensions"], events=False).next(0),
            lambda: live.health,
            live.metrics,
            lambda: live.wait(5),
            lambda: live.refresh(5),
            lambda: isymphony.connect(isymphony_sandbox.url),
            live.close,
        ]
        try:
            for call in calls:
                handler.armed = False
                other = isymphony.connect(isymphony_sandbox.url, wait=None)  # Logs on its own thread that it is live.
                handler.armed = True
                with pytest.raises(interrupt):
                    eventually(lambda call=call: call() and False)  # type: ignore[misc]
                handler.armed = False
                other.close()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    assert not raised
