"""Handles and actions: at most once, by name, and what becomes of them."""

from __future__ import annotations

import json
import pickle
import uuid
from datetime import datetime, timezone
from typing import Any

import isymphony
import pytest
from conftest import eventually, moves_the_server
from isymphony.sandbox import Sandbox, SandboxRequest


def last_post(sandbox: Sandbox) -> SandboxRequest:
    return [request for request in sandbox.requests if request.method == "POST"][-1]


@moves_the_server
def test_originate_by_handle_and_by_resource(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    for target in (live.extension("4224"), live.snapshot().core_servers["default"].extensions["4224"]):
        isymphony_sandbox.hang_up_all()
        ticket = target.originate("5551234")
        assert ticket.outcome == "accepted"
        assert ticket.error is None
        assert ticket.path.endswith("/originate")
        assert repr(ticket) == f"<Ticket {ticket.path} accepted>"
        snapshot = ticket.wait(timeout=5)
        (segment,) = snapshot.core_servers["default"].extensions["4224"].call_segments
        assert segment.extension == snapshot.core_servers["default"].extensions["4224"]
        assert json.loads(last_post(isymphony_sandbox).body) == {"destination": "5551234"}


@moves_the_server
def test_do_not_disturb(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    handle = isymphony_live.extension("4224")
    handle.set_dnd(True)
    assert isymphony_sandbox.dnd("4224")
    handle.get().set_dnd(False)
    assert not isymphony_sandbox.dnd("4224")
    assert last_post(isymphony_sandbox).body == ""


@moves_the_server
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, -1),
        (1_700_000_000_123, 1_700_000_000_123),
        (datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc), 1_893_553_445_678),
    ],
)
def test_set_status(
    isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live, given: int | datetime | None, sent: int
) -> None:
    live = isymphony_live
    handle = live.user("mike")
    snapshot = handle.set_status("Lunch", "away", "back soon", given).wait(timeout=5)
    status = snapshot.core_servers["default"].users["mike"].status
    assert status is not None
    assert (status.name, status.type, status.note, status.return_time) == ("Lunch", "away", "back soon", sent)
    assert json.loads(last_post(isymphony_sandbox).body)["returnTime"] == sent

    user = live.snapshot().core_servers["default"].users["mike"]
    user.set_status("Here", type="available").wait(timeout=5)
    assert status.user is not None
    status.set("There", "chat", return_time=given).wait(timeout=5)
    by_path = live.handle("coreServers/getByName/default/users/getByName/mike/status")
    assert isinstance(by_path, isymphony.StatusHandle)
    assert by_path.get().name == "There"
    by_path.set("Gone", "xa").wait(timeout=5)
    assert by_path.get().type == "xa"


@moves_the_server
def test_queues_and_agents(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    queue = live.queue("5001")
    server = live.snapshot().core_servers["default"]
    out = [number for number in server.extensions if not server.extensions[number].agents]
    number, extension = str(out[0]), server.extensions[out[0]]

    def logged_in() -> list[isymphony.Agent]:
        return [agent for agent in queue.get().agents if agent.extension and agent.extension.id == extension.id]

    ways: list[Any] = [number, extension, extension.id, extension.path, live.extension(number)]
    for way in ways:
        assert queue.login(way).outcome == "accepted"
        assert json.loads(last_post(isymphony_sandbox).body) == {"extensionId": str(extension.id)}
        eventually(logged_in)
        queue.get().logout(way).wait(timeout=5)
        eventually(lambda: not logged_in())

    queue.login(extension).wait(timeout=5)
    eventually(logged_in)
    (agent,) = logged_in()
    agent.pause().wait(timeout=5)
    handle = live.handle(agent.path)
    assert isinstance(handle, isymphony.AgentHandle)
    assert handle.get().paused is True
    handle.unpause().wait(timeout=5)
    assert handle.get().paused is False
    assert handle.set_penalty(7).outcome == "accepted"
    assert json.loads(last_post(isymphony_sandbox).body) == {"penalty": 7}
    with pytest.raises(isymphony.InvalidArgument):
        handle.set_penalty(-1)
    handle.logout().wait(timeout=5)
    eventually(lambda: not logged_in())


@moves_the_server
def test_transfer(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    segment = isymphony_sandbox.add_call("4224")
    isymphony_sandbox.answer(segment)
    handle = live.extension("4224")
    live.refresh(timeout=5)
    eventually(lambda: handle.get().call_segments)
    (call,) = handle.get().call_segments
    by_path = live.handle(call.path)
    assert isinstance(by_path, isymphony.CallSegmentHandle)
    assert by_path.transfer("10001").outcome == "accepted"
    assert isymphony_sandbox.call_segments("10001")
    assert not isymphony_sandbox.call_segments("4224")


@pytest.mark.thread_unsafe(reason="it counts the requests of one thread")
def test_act_by_name(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    handle = live.handle("coreServers/getByName/default/extensions/getByName/4224")
    assert handle.act("originate", destination="5551234").outcome == "accepted"
    assert handle.get().act("disable_dnd", timeout=3).outcome == "accepted"
    count = isymphony_sandbox.request_count
    with pytest.raises(isymphony.Unsupported, match="it has originate"):
        handle.act("jump")
    with pytest.raises(isymphony.InvalidArgument, match="destination"):
        handle.act("originate")
    with pytest.raises(isymphony.InvalidArgument, match="destination"):
        handle.act("originate", destination=" ")
    with pytest.raises(isymphony.InvalidArgument, match="where"):
        handle.act("originate", destination="1", where="x")
    with pytest.raises(TypeError):
        handle.act("originate", destination=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        handle.act("originate", destination=True)
    with pytest.raises(isymphony.InvalidArgument, match="available"):
        live.user("mike").set_status("x", "nonsense")
    posts = [request for request in isymphony_sandbox.requests[count:] if request.method == "POST"]
    assert not posts


def test_a_refusal_has_the_servers_words(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    isymphony_sandbox.respond_with("POST */originate", "no line is free", status=412, headers={"X": "y"})
    with pytest.raises(isymphony.Rejected, match="no line is free") as caught:
        isymphony_live.extension("4224").originate("1")
    assert caught.value.http_status == 412
    assert caught.value.server_message == "no line is free"
    assert not caught.value.retryable


@pytest.mark.thread_unsafe(reason="it counts the requests of one thread")
def test_an_unknown_outcome_is_a_ticket(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    isymphony_sandbox.fault(cut=0, method="POST", times=1)
    ticket = isymphony_live.extension("4224").originate("5551234")
    assert ticket.outcome == "unknown"
    assert ticket.error is not None
    posts = [request for request in isymphony_sandbox.requests if request.method == "POST"]
    assert len(posts) == 1


@pytest.mark.thread_unsafe(reason="others would wait for a free connection for all their time")
def test_actions_have_time_limits(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    isymphony_sandbox.fault(stall="before_head", method="POST", times=1)
    ticket = isymphony_live.extension("4224").originate("1", timeout=0.2)
    assert ticket.outcome == "unknown"


@moves_the_server
def test_handles_survive_a_restart(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    handle = live.extension("4224", core_server="default")
    path = "coreServers/getByName/default/extensions/getByName/4224"
    assert handle.path == path
    assert repr(handle) == f"<ExtensionHandle {path}>"
    assert handle.kind == "Extension"
    before, resource = handle.resolve(), handle.get()
    assert isinstance(before, uuid.UUID)
    snapshot = live.snapshot()
    isymphony_sandbox.restart()
    eventually(lambda: handle.resolve() != before)
    assert live.health.epoch == 2
    assert handle.originate("5551234").outcome == "accepted"
    # What was held is what it was, and its old id means nothing any more.
    assert resource.id == before
    assert snapshot.core_servers["default"].extensions["4224"] == resource
    with pytest.raises(isymphony.NotFound):
        live.snapshot().by_id(before)
    with pytest.raises(isymphony.NotFound):
        resource.originate("1")
    kinds = {change.kind for change in live.snapshot().diff(snapshot)}
    assert "epoch_changed" in kinds


def test_handles_of_every_kind(isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    assert live.core_server("default").get().slug == "default"
    assert live.user("mike").get().user_name == "mike"
    assert live.extension("4224").get().extension_number == "4224"
    assert live.queue("5001", "default").get().identifier == "5001"
    assert live.conference("8001").get().identifier == "8001"
    assert type(live.conference("8001")).__name__ == "ConferenceRoomHandle"
    mike = live.handle("coreServers/getByName/default/users/getByName/mike")
    assert isinstance(mike, isymphony.UserHandle)
    with pytest.raises(isymphony.NotFound):
        live.extension("0").resolve()
    with pytest.raises(isymphony.NotFound):
        live.extension("0").originate("1")
    with pytest.raises(isymphony.PathError):
        live.handle("coreServers")
    with pytest.raises(isymphony.PathError):
        live.extension("")


@moves_the_server
def test_handles_that_were_made_alike_are_equal(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    sandbox, live = isymphony_sandbox, isymphony_live
    path = "coreServers/getByName/default/extensions/getByName/4224"
    handle = live.extension("4224", "default")
    alike = [
        live.extension("4224", "default"),
        live.handle(path),
        live.handle(f"communication_manager/rest/live/{path}"),
    ]
    for other in alike:
        assert (other, hash(other)) == (handle, hash(handle))
    assert len({handle, *alike}) == 1
    by_id = live.handle(f"coreServers/getByName/default/extensions/{sandbox.extension_id('4224')}")
    strict = handle.strict()
    with isymphony.connect(sandbox.url) as other_client:
        others = [
            live.extension("10001", "default"),
            live.extension("4224"),  # In whichever core server has one.
            by_id,
            strict,
            other_client.extension("4224", "default"),
        ]
        assert len({handle, *others}) == 1 + len(others)
    assert handle != path
    before = hash(by_id)
    by_id.get()
    assert (hash(by_id), repr(by_id)) == (before, repr(handle))

    # Strict ones also by the object that they are bound to.
    assert (handle.strict(), hash(handle.strict())) == (strict, hash(strict))
    assert repr(strict) == f"<ExtensionHandle {path} strict>"
    sandbox.remove_extension("4224")
    sandbox.add_extension("4224", "Somebody else", "mike")
    live.refresh(timeout=5)
    assert handle.strict() != strict
    assert handle == live.extension("4224", "default")


def test_handles_without_a_core_server_can_be_ambiguous() -> None:
    with Sandbox(users=2, core_servers=["a", "b"]) as sandbox, isymphony.connect(sandbox.url) as live:
        with pytest.raises(isymphony.Ambiguous, match="core server"):
            live.extension("4224").get()
        assert live.extension("4224", "b").get().path.startswith("coreServers/getByName/b/")


@moves_the_server
def test_waiting_for_a_ticket_has_a_limit(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    ticket = isymphony_live.extension("4224").originate("1")
    ticket.wait(timeout=5)
    isymphony_sandbox.stop_listening()
    later = isymphony_live.snapshot()
    with pytest.raises(isymphony.TimedOut) as caught:
        isymphony_live.refresh(timeout=0.2)
    assert caught.value.retryable
    assert isymphony_live.snapshot().generation >= later.generation


@moves_the_server
def test_a_ticket_gives_the_calls_of_its_originate(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    ticket = isymphony_live.extension("4224").originate("5551234")
    (call,) = ticket.call_segments(timeout=5)
    assert isinstance(call, isymphony.CallSegment)
    assert call.extension is not None
    assert call.extension.extension_number == "4224"
    assert [call.id] == [segment.id for segment in ticket.wait(5).core_servers["default"].call_segments.values()]
    with pytest.raises(isymphony.Unsupported):
        isymphony_live.user("mike").set_status("Lunch", "away").call_segments(timeout=5)
    isymphony_sandbox.respond_with("*/callSegments", "[]")
    with pytest.raises(isymphony.TimedOut, match=r"no call segment appeared.* within 200ms"):
        isymphony_live.extension("4224").originate("5551234").call_segments(timeout=0.2)


@moves_the_server
def test_forced_actions_go_to_what_the_snapshot_does_not_have(isymphony_sandbox: Sandbox) -> None:
    sandbox = isymphony_sandbox
    path = "coreServers/getByName/default/extensions/getByName/7777"
    cadences: dict[str, Any] = {"core_servers": (60, 60), "extensions": (60, 60)}
    with isymphony.connect(sandbox.url, events=False, cadences=cadences) as live:
        sandbox.add_extension("7777", "Seven", "mike")
        handle = live.handle(path)
        assert isinstance(handle, isymphony.ExtensionHandle)
        with pytest.raises(isymphony.NotFound, match="not sent"):
            handle.originate("1")
        ticket = handle.originate("1", force=True)
        assert (ticket.outcome, ticket.path) == ("accepted", f"{path}/originate")
        assert handle.act("disable_dnd", force=True, timeout=5).outcome == "accepted"
        gone = live.snapshot().core_servers["default"].extensions["4224"]
        sandbox.remove_extension("4224")
        live.refresh(timeout=10)
        with pytest.raises(isymphony.NotFound, match="force"):
            gone.set_dnd(True)
        with pytest.raises(isymphony.NotFound) as refused:
            gone.set_dnd(True, force=True)
        assert refused.value.http_status == 404


@moves_the_server
def test_a_status_like_that_of_others(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    sandbox, live = isymphony_sandbox, isymphony_live
    handle = live.user("mike")
    with pytest.raises(isymphony.NotFound, match="Siesta"):
        handle.set_status_like("Siesta")
    sandbox.set_status("4224", "Siesta", "away", "until three")
    other = live.user("4224")
    eventually(lambda: "Siesta" in repr(other.get().status))
    assert handle.set_status_like("Siesta").outcome == "accepted"
    body = json.loads(last_post(sandbox).body)
    assert (body["name"], body["type"], body["note"]) == ("Siesta", "away", "until three")
    assert live.snapshot().core_servers["default"].users["mike"].set_status_like("Siesta").outcome == "accepted"
    assert json.loads(last_post(sandbox).body) == body


def test_destinations_of_every_sort(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    live = isymphony_live
    handle = live.extension("4224")
    other = live.snapshot().core_servers["default"].extensions["10001"]
    for destination in ("10001", other, other.id, other.path, live.extension("10001")):
        assert handle.originate(destination).outcome == "accepted"
        assert json.loads(last_post(isymphony_sandbox).body) == {"destination": "10001"}
    with pytest.raises(isymphony.InvalidArgument):
        handle.get().originate(10001)  # type: ignore[arg-type]


@moves_the_server
def test_a_resource_as_an_argument_is_that_instance_and_not_its_name(
    isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live
) -> None:
    live = isymphony_live
    queue, caller = live.queue("5001"), live.extension("10001")
    old = live.snapshot().core_servers["default"].extensions["4224"]
    isymphony_sandbox.remove_extension("4224")
    isymphony_sandbox.add_extension("4224", "Somebody else", "mike")
    live.refresh(timeout=5)
    assert live.extension("4224").resolve() != old.id
    for act in (queue.login, queue.get().login):
        count = isymphony_sandbox.request_count
        with pytest.raises(isymphony.IsymphonyError):
            act(old)
        sent = isymphony_sandbox.requests[count:]
        assert all(json.loads(r.body)["extensionId"] == str(old.id) for r in sent if r.method == "POST")
    # A value that was pickled says its name only.
    value = pickle.loads(pickle.dumps(old))
    assert queue.login(value).outcome == "accepted"
    assert json.loads(last_post(isymphony_sandbox).body) == {"extensionId": str(live.extension("4224").resolve())}
    assert caller.originate(value).outcome == "accepted"
    isymphony_sandbox.restart()
    eventually(lambda: live.health.epoch == 2 and live.extension("10001").get())
    with pytest.raises(isymphony.NotFound):
        caller.originate(old)
    with pytest.raises(isymphony.IsymphonyError):
        queue.login(old)
