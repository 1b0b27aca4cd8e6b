"""Clients: opening, waiting, health, closing."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from datetime import datetime, timedelta, timezone
from typing import Any

import isymphony
import pytest
from conftest import eventually, moves_the_server
from isymphony.sandbox import Sandbox


def test_the_usual_expression(isymphony_live: isymphony.Live) -> None:
    extension = isymphony_live.snapshot().core_servers["default"].extensions["4224"]
    assert extension.extension_number == "4224"
    assert extension is isymphony_live.snapshot().core_servers["default"].extensions["4224"]


@pytest.mark.parametrize("tail", ["", "/", "/communication_manager", "/communication_manager/"])
def test_credentials_in_the_url(tail: str) -> None:
    with Sandbox(users=2, username="man ager", password="p@ss/word") as sandbox:
        host = sandbox.url.removeprefix("http://")
        with isymphony.connect(f"http://man%20ager:p%40ss%2Fword@{host}{tail}") as live:
            assert live.snapshot().has_data
            assert live.url == sandbox.url
        with isymphony.connect(f"http://man%20ager@{host}{tail}", password="p@ss/word") as live:
            assert live.snapshot().has_data


def test_wait_none_returns_at_once_and_heals_later() -> None:
    with Sandbox(users=2) as sandbox:
        sandbox.stop_listening()
        with isymphony.connect(sandbox.url, wait=None, backoff=(0.05, 0.1)) as live:
            assert not live.snapshot().has_data
            assert live.snapshot().age == float("inf")
            assert live.health.age == float("inf")
            assert repr(live).endswith((" connecting>", " failed>"))
            with pytest.raises(isymphony.Stale):
                live.snapshot(max_age=1)
            sandbox.start_listening()
            assert live.wait(timeout=10).has_data
            assert live.health.state == "live"


def test_sync_timeout_says_why_and_for_how_long() -> None:
    with Sandbox(users=2, username="u", password="right") as sandbox:
        with pytest.raises(isymphony.SyncTimeout) as caught:
            isymphony.connect(sandbox.url, username="u", password="wrong", wait=0.3)
        assert "401" in str(caught.value)
        assert "300ms" in str(caught.value)
        assert caught.value.code == "sync_timeout"
        assert caught.value.retryable
        assert isinstance(caught.value, TimeoutError)


@moves_the_server
def test_health(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    health = isymphony_live.health
    assert (health.state, health.has_data, health.epoch) == ("live", True, 1)
    assert health.generation == isymphony_live.snapshot().generation
    assert health.last_error is None
    assert health.failing == {}
    assert 0 <= health.age < 60
    assert timedelta(0) <= datetime.now(timezone.utc) - health.since < timedelta(minutes=1)
    isymphony_sandbox.fault(status=503, on="*/users")
    with pytest.raises(isymphony.TimedOut):
        isymphony_live.refresh(timeout=0.2)
    problem = isymphony_live.health.last_error
    assert problem is not None
    assert isinstance(problem.error, isymphony.ServerError)
    assert problem.error.http_status == 503
    assert problem.about.endswith("/users")
    assert problem.at.tzinfo is not None
    assert "503" in str(problem)


def test_refresh_brings_what_changed(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    isymphony_sandbox.set_display_name("4224", "Renamed")
    snapshot = isymphony_live.refresh(timeout=5)
    assert snapshot.core_servers["default"].extensions["4224"].display_name == "Renamed"
    assert snapshot is isymphony_live.snapshot()


def test_max_age(isymphony_live: isymphony.Live) -> None:
    assert isymphony_live.snapshot(max_age=timedelta(minutes=1)).has_data
    with pytest.raises(isymphony.Stale, match="old"):
        isymphony_live.snapshot(max_age=0)
    with pytest.raises(isymphony.Stale):
        isymphony_live.extension("4224").get(max_age=0)


def test_closing(isymphony_sandbox: Sandbox) -> None:
    live = isymphony.connect(isymphony_sandbox.url)
    snapshot = live.snapshot()
    extension = snapshot.core_servers["default"].extensions["4224"]
    handle = live.extension("4224")
    started = time.monotonic()
    live.close()
    live.close(timeout=1)
    assert time.monotonic() - started < 0.5
    assert live.closed
    assert live.health.state == "closed"
    assert repr(live) == f"<Live {isymphony_sandbox.url} closed>"
    # What was read stays readable; what needs the server says that it is closed.
    assert len(snapshot.core_servers["default"].extensions) == 20
    assert extension.users
    for call in (lambda: live.refresh(1), lambda: handle.originate("1"), lambda: extension.originate("1")):
        with pytest.raises(isymphony.Closed):
            call()


def test_a_client_that_nothing_holds_is_closed(isymphony_sandbox: Sandbox) -> None:
    live = isymphony.connect(isymphony_sandbox.url)
    extension = live.snapshot().core_servers["default"].extensions["4224"]
    gone = weakref.ref(live)
    del live
    gc.collect()
    assert gone() is None
    with pytest.raises(isymphony.Closed):
        extension.originate("1")
    eventually(lambda: isymphony_sandbox.connections == 0)


def test_a_handle_keeps_its_client(isymphony_sandbox: Sandbox) -> None:
    handle = isymphony.connect(isymphony_sandbox.url).extension("4224")
    gc.collect()
    assert handle.originate("5551234").outcome == "accepted"


def test_limits_of_what_is_mirrored() -> None:
    with (
        Sandbox(users=3, core_servers=["a", "b"]) as sandbox,
        isymphony.connect(sandbox.url, core_servers=["b"], resources=["extensions", "User"]) as live,
    ):
        server = live.snapshot().core_servers["b"]
        assert len(server.extensions) == 3
        assert len(server.users) == 3
        assert not server.queues.is_known
        with pytest.raises(isymphony.Unsupported):
            server.queues["5001"]


def test_new_credentials_are_used_at_once() -> None:
    with Sandbox(users=2, username="u", password="one") as sandbox:
        with isymphony.connect(sandbox.url, username="u", password="one") as live:
            sandbox.set_credentials("u", "two")
            with pytest.raises(isymphony.TimedOut):
                live.refresh(timeout=0.3)
            assert repr(live).endswith(" failed>")
            told = dict(live.health.__rich_repr__())
            assert (told["state"], told["epoch"]) == ("failed", 1)
            assert [name for name, _ in told["last_error"].__rich_repr__()] == ["error", "at", "about"]
            live.set_credentials("u", "two")
            eventually(lambda: live.health.state == "live")


def test_metrics(isymphony_live: isymphony.Live) -> None:
    metrics = isymphony_live.metrics()
    assert metrics["requests"] > 0
    assert metrics["objects"] > 0
    assert all(isinstance(value, int) for value in metrics.values())


@pytest.mark.thread_unsafe(reason="it looks at the last request, of whichever thread")
def test_post(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    path = "coreServers/getByName/default/extensions/getByName/4224/originate"
    ticket = isymphony_live.post(path, {"destination": "5551234"})
    assert (ticket.outcome, ticket.path, ticket.error) == ("accepted", path, None)
    assert ticket.wait(timeout=5).core_servers["default"].extensions["4224"].call_segments
    assert isymphony_live.post(path, '{"destination":"1"}').outcome == "accepted"
    request = [request for request in isymphony_sandbox.requests if request.method == "POST"][-1]
    assert (request.path, request.body, request.status) == (path, '{"destination":"1"}', 204)
    with pytest.raises(isymphony.InvalidArgument):
        isymphony_live.post(path, "{not json")
    with pytest.raises(isymphony.PathError):
        isymphony_live.post("a/../b")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "ftp://pbx"}, "http"),
        ({"resources": ["extentions"]}, "extentions"),
        ({"connections": 0}, "connections"),
        ({"backoff": (2, 1)}, "backoff"),
        ({"cadences": {"calls": (1, 2)}}, "calls"),
        ({"cadences": {"call_segments": (5, 1)}}, "cadence"),
        ({"action_paths": {"originate": "x"}}, "extension.originate"),
        ({"action_paths": {"extension.jump": "x"}}, "jump"),
        ({"action_body_keys": {"extension.originate.where": "x"}}, "where"),
        ({"username": "u"}, "password"),
        ({"password": "u"}, "username"),
        ({"ca_file": "/nowhere.pem"}, "ca_file"),
        ({"max_requests_per_second": 0}, "max_requests_per_second"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"event_silence": (0, 1)}, "event_silence"),
    ],
)
def test_wrong_settings(settings: dict[str, object], words: str) -> None:
    settings = {"url": "http://127.0.0.1:1", **settings}
    with pytest.raises(isymphony.ConfigError, match=words) as caught:
        isymphony.connect(wait=None, **settings)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("wait", [-1, float("nan"), timedelta(seconds=-1)])
def test_times_that_are_not_possible(wait: float) -> None:
    with pytest.raises(isymphony.InvalidArgument, match="wait: "):
        isymphony.connect("http://127.0.0.1:1", wait=wait)
    with pytest.raises(TypeError, match="argument 'wait'"):
        isymphony.connect("http://127.0.0.1:1", wait="10")  # type: ignore[arg-type]


@moves_the_server
def test_how_it_stands_with_the_events(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    eventually(lambda: isymphony_live.health.events == "connected")
    with isymphony.connect(isymphony_sandbox.url, events=False, event_silence=(5, timedelta(seconds=1))) as live:
        assert live.health.events == "off"
        assert live.health.events_problem is None
    isymphony_sandbox.stop_listening()
    eventually(lambda: isymphony_live.health.events_problem)
    problem = isymphony_live.health.events_problem
    assert problem is not None
    assert isinstance(problem.error, isymphony.IsymphonyError)


def test_keywords_that_are_none_of_ours() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'conections'"):
        isymphony.connect("http://127.0.0.1:1", conections=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="argument 'connections'"):
        isymphony.connect("http://127.0.0.1:1", connections="x")  # type: ignore[arg-type]
    with pytest.raises(isymphony.ConfigError, match="connections"):
        isymphony.connect("http://127.0.0.1:1", password=None, username=None, proxy=None, connections=65)


@pytest.mark.parametrize("limit", [float("inf"), 1e300, timedelta.max])
def test_the_longest_times_are_as_good_as_none(limit: float) -> None:
    with Sandbox(users=2) as sandbox, isymphony.connect(sandbox.url, wait=limit) as live:
        live.wait(limit)
        live.refresh(limit)
        assert live.snapshot(max_age=limit).has_data
        watch = live.watch()
        extension = live.extension("4224")
        assert extension.get(limit).extension_number == "4224"
        extension.originate("1", timeout=limit).wait(limit)
        assert watch.next(limit) is not None
        live.close(limit)


def test_action_paths_and_keys_can_be_replaced(isymphony_sandbox: Sandbox) -> None:
    with isymphony.connect(
        isymphony_sandbox.url,
        action_paths={"extension.originate": "call/now"},
        action_body_keys={"extension.originate.destination": "number"},
    ) as live:
        with pytest.raises(isymphony.IsymphonyError):
            live.extension("4224").originate("1")
    request = [request for request in isymphony_sandbox.requests if request.method == "POST"][-1]
    assert request.path.endswith("/call/now")
    assert request.body == '{"number":"1"}'


def test_many_threads(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def work(number: int) -> None:
        try:
            while not stop.is_set():
                server = isymphony_live.snapshot().core_servers["default"]
                for name in list(server.extensions):
                    extension = server.extensions[name]
                    assert extension.extension_number == name
                    assert extension.core_server == server
                repr(isymphony_live)
                isymphony_live.health  # noqa: B018
                if number == 0:
                    isymphony_live.extension("4224").originate("1").wait(timeout=10)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        isymphony_sandbox.set_display_name("4224", f"Name {time.monotonic()}")
        isymphony_live.refresh(timeout=10)
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert not failures


@moves_the_server
def test_a_strict_handle_refuses_another_object(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    sandbox, live = isymphony_sandbox, isymphony_live
    handle = live.extension("4224")
    assert handle.binding is None
    strict = handle.strict()
    assert isinstance(strict, isymphony.ExtensionHandle)
    assert (strict.is_strict, handle.is_strict) == (True, False)
    first = strict.resolve()
    assert strict.binding is not None
    assert (strict.binding.id, strict.binding.epoch, strict.binding.rebinds) == (first, 1, 0)
    assert strict.binding.configuration_id == strict.get().configuration_id
    assert len({strict.binding, strict.binding}) == 1
    sandbox.restart()
    eventually(lambda: live.snapshot().epoch == 2)
    assert strict.resolve() != first
    assert strict.binding.rebinds == 1
    sandbox.rename_extension("4224", "7000")
    sandbox.rename_extension("10001", "4224")
    live.refresh(timeout=5)
    assert handle.get().configuration_id != strict.binding.configuration_id
    with pytest.raises(isymphony.NotFound, match="strict"):
        strict.originate("1")


@moves_the_server
def test_an_overdue_list_makes_the_client_stale(isymphony_sandbox: Sandbox) -> None:
    cadences: dict[str, Any] = dict.fromkeys(("users", "call_segments", "extensions"), (0.05, 0.1))
    with isymphony.connect(isymphony_sandbox.url, cadences=cadences, first_byte_timeout=0.2, events=False) as live:
        assert live.health.overdue == {}
        isymphony_sandbox.fault(f"status=500; on=coreServers/{live.core_server('default').resolve()}/users")
        eventually(lambda: live.health.state == "stale")
        assert list(live.health.overdue) == ["User"]
        assert live.health.overdue["User"] > 1.3
