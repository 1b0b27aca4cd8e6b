"""The embedded server as Python sees it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import isymphony
import pytest
from conftest import eventually
from isymphony.sandbox import Sandbox

LIVE = "/communication_manager/rest/live/"


def get(sandbox: Sandbox, path: str) -> object:
    with urllib.request.urlopen(sandbox.url + LIVE + path, timeout=5) as answer:
        return json.load(answer)


def get_list(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    answer = get(sandbox, path)
    assert isinstance(answer, list)
    return answer


def test_it_is_the_same_world_for_the_same_seed() -> None:
    with Sandbox(users=4, seed=7) as one, Sandbox(users=4, seed=7) as two, Sandbox(users=4, seed=8) as other:
        path = "coreServers/getByName/default/users"
        assert get(one, path) == get(two, path)
        assert get(one, path) != get(other, path)


def test_the_vendors_examples_are_in_the_default_world() -> None:
    with Sandbox() as sandbox:
        assert sandbox.extension_id("4224") == uuid.UUID("ef2faba9-8557-49c1-9ffc-5a71f41c7a23")
        assert sandbox.core_server_id == uuid.UUID("ca5de6c4-17bd-46ce-95a2-8b29c7812ca4")


def test_faults_as_keywords_and_as_text() -> None:
    with Sandbox(users=2) as sandbox:
        for _ in range(2):
            sandbox.fault(status=503, retry_after=1, on="*/users", times=1)
            with pytest.raises(urllib.error.HTTPError) as caught:
                get(sandbox, "coreServers/getByName/default/users")
            assert (caught.value.code, caught.value.headers["Retry-After"]) == (503, "1")
            caught.value.close()
        sandbox.fault("status=404; on=*")
        with pytest.raises(urllib.error.HTTPError, match="404") as gone:
            get(sandbox, "coreServers")
        gone.value.close()
        sandbox.clear_faults()
        assert get(sandbox, "coreServers")
        sandbox.fault(text='{"a": ";%"}', times=1)
        assert get(sandbox, "coreServers") == {"a": ";%"}
        sandbox.fault(drop=True, times=1)
        with pytest.raises(OSError):  # noqa: PT011
            get(sandbox, "coreServers")
        (true,) = get_list(sandbox, "coreServers")
        sandbox.fault(wrong_types=True, times=1)
        (untrue,) = get_list(sandbox, "coreServers")
        assert true["id"] == untrue["id"]
        assert not isinstance(untrue["slug"], str)
        sandbox.fault(duplicate_ids=True, times=1)
        assert [server["id"] for server in get_list(sandbox, "coreServers")] == [true["id"]] * 2
        sandbox.fault("dangling_parents; times=1")
        assert uuid.UUID(get_list(sandbox, "coreServers")[0]["userId"])
        assert get_list(sandbox, "coreServers") == [true]
        sandbox.fault(delay=0.05, duration=10)
        assert get(sandbox, "coreServers")
        with pytest.raises(isymphony.InvalidArgument):
            sandbox.fault(status="often")
        with pytest.raises(isymphony.InvalidArgument):
            sandbox.fault(nonsense=1)
        with pytest.raises(TypeError):
            sandbox.fault()


def test_requests_are_recorded() -> None:
    with Sandbox(users=2, username="u", password="p") as sandbox:
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            get(sandbox, "coreServers")
        caught.value.close()
        (request,) = sandbox.requests
        assert (request.method, request.path, request.status, request.authorized) == ("GET", "coreServers", 401, False)
        assert request.at >= 0
        assert repr(request) == "<SandboxRequest GET coreServers 401>"
        assert sandbox.request_count == 1
        sandbox.clear_requests()
        assert sandbox.requests == []


def test_what_moves_it() -> None:
    with Sandbox(users=4, core_servers=["default", "other"]) as sandbox:
        a, b = sandbox.add_internal_call("4224", "10001")
        sandbox.answer(b)
        sandbox.hold(a)
        sandbox.record(a)
        sandbox.hold(a, False)
        assert sandbox.call_segments("4224") == [a]
        sandbox.join_conference(a, "8001")
        sandbox.hang_up_all()
        assert sandbox.call_segment_count == 0
        sandbox.hang_up(sandbox.add_call("4224"))
        sandbox.transfer(sandbox.originate("4224", "5551234"), "10001")
        assert isinstance(sandbox.add_user("new", "New User"), uuid.UUID)
        sandbox.add_extension("999", "New", user_name="new")
        sandbox.rename_extension("999", "998")
        assert "998" in sandbox.extension_numbers
        sandbox.rename_user("new", "newer")
        sandbox.set_displayed_name("newer", "Newer")
        sandbox.set_full_user("newer", False)
        sandbox.log_in_user("newer")
        sandbox.log_out_user("newer")
        sandbox.set_status("mike", "Lunch", "away", "note", 5)
        sandbox.remove_extension("998")
        sandbox.remove_user("newer")
        sandbox.add_queue("5900", "New")
        agent = sandbox.log_in_agent("5900", "4224")
        assert sandbox.agent_id("5900", "4224") == agent
        sandbox.pause_agent("5900", "4224")
        sandbox.set_agent_state("5900", "4224", "BUSY")
        with pytest.raises(isymphony.InvalidArgument):
            sandbox.set_agent_state("5900", "4224", "ASLEEP")
        sandbox.log_out_agent("5900", "4224")
        sandbox.set_queue_enabled("5900", False)
        sandbox.remove_queue("5900")
        room = sandbox.add_conference("8900", "Room")
        assert sandbox.conference_id("8900") == room
        sandbox.remove_conference("8900")
        sandbox.set_dnd("4224", True)
        assert sandbox.dnd("4224")
        with pytest.raises(isymphony.NotFound):
            sandbox.add_call("0")
        other = sandbox.core_server("other")
        assert other.slug == "other"
        assert other.user_id("mike") != sandbox.user_id("mike")
        with pytest.raises(isymphony.NotFound):
            sandbox.core_server("nope")


def test_restarts_and_outages() -> None:
    with Sandbox(users=2) as sandbox:
        before = sandbox.queue_id("5001")
        sandbox.restart()
        assert sandbox.incarnation == 2
        assert sandbox.queue_id("5001") != before
        sandbox.restart_at_request(1)
        get(sandbox, "coreServers")
        assert sandbox.incarnation == 3
        sandbox.stop_listening()
        with pytest.raises(OSError):  # noqa: PT011
            get(sandbox, "coreServers")
        sandbox.start_listening()
        assert get(sandbox, "coreServers")


def test_settings() -> None:
    with pytest.raises(isymphony.InvalidArgument):
        Sandbox(username="u")
    numbers = (
        "users queues seed lite_users extra_extensions agents_per_queue conferences calls_at_start port max_connections"
        " max_requests_kept"
    )
    for name in numbers.split():
        for value in (-1, 2**70):
            with pytest.raises(isymphony.ConfigError, match=f"{name}: the number is out of range"):
                Sandbox(**{name: value})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=name):
            Sandbox(**{name: "3"})  # type: ignore[arg-type]
    odd: list[tuple[str, Any]] = [
        ("calls_at_start", 2_000_000),
        ("calls_per_second", float("nan")),
        ("calls_per_second", 10**400),
        ("ring_time", -1),
        ("call_duration", float("nan")),
        ("core_servers", []),
        ("core_servers", ["\ud800"]),
    ]
    for name, value in odd:
        with pytest.raises(isymphony.ConfigError, match=name if value != [] else "core server"):
            Sandbox(**{name: value})
    with pytest.raises(TypeError, match=r"core_servers.*a list"):
        Sandbox(core_servers="default")
    with pytest.raises(isymphony.ConfigError):
        Sandbox(users=1, lite_users=2)
    with pytest.raises(isymphony.ConfigError):
        Sandbox(username="a:b", password="c")
    with Sandbox(users=2, queues=1, conferences=0, calls_at_start=1, ring_time=0.01, call_duration=1) as sandbox:
        assert sandbox.call_segment_count == 2
        assert sandbox.username is None
        assert str(sandbox.port) in sandbox.url
        assert repr(sandbox) == f"<Sandbox {sandbox.url}>"
    with pytest.raises(isymphony.Closed):
        sandbox.start_listening()


def test_bad_arguments() -> None:
    with Sandbox(users=2, username="u", password="p") as sandbox:
        call = sandbox.add_call("4224")
        calls: list[tuple[str, Callable[[], object]]] = [
            ("n: ", lambda: sandbox.restart_at_request(-1)),
            ("status: ", lambda: sandbox.respond_with("x", "", status=2**20)),
            ("port: ", lambda: sandbox.log_in_user("mike", port=2**20)),
            ("return_time: ", lambda: sandbox.set_status("mike", "Lunch", "away", return_time=2**70)),
            ("needs a password", lambda: sandbox.set_credentials("u")),
            ("needs a password", lambda: sandbox.set_credentials(password="p")),
            ("on: a ';'", lambda: sandbox.fault(status=503, on="a;times=1")),
            ("destination is empty", lambda: sandbox.transfer(call, "")),
            ("destination is empty", lambda: sandbox.originate("4224", "")),
        ]
        for says, act in calls:
            with pytest.raises(isymphony.InvalidArgument, match=says):
                act()
        with pytest.raises(TypeError, match="body"):
            sandbox.respond_with("x", 5)  # type: ignore[arg-type]
        assert sandbox.username == "u"
        assert not sandbox.requests


@pytest.mark.parametrize("isymphony_sandbox", [{"users": 5, "calls_per_second": 100}], indirect=True)
def test_the_fixtures(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    assert len(isymphony_live.snapshot().core_servers["default"].users) == 5
    eventually(lambda: isymphony_live.snapshot().core_servers["default"].call_segments)
    isymphony_sandbox.send_event('{"type": "anything"}')
    assert isymphony_sandbox.events[-1] or isymphony_sandbox.events
