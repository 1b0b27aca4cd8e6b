"""Resources: properties, relations, and what they are as values."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
import time
import uuid
from decimal import Decimal
from typing import Any

import isymphony
import pytest
from conftest import moves_the_server
from isymphony.sandbox import Sandbox


@pytest.fixture
def snapshot(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> isymphony.Snapshot:
    segment = isymphony_sandbox.add_call("4224", "Ada", "5551234", did="8005550100")
    isymphony_sandbox.answer(segment)
    isymphony_sandbox.log_in_user("mike", "10.0.0.7", 5060)
    waiting = isymphony_sandbox.queue_call("5001", "Bob", "5550000")
    isymphony_sandbox.add_conference("8100", "Room")
    assert waiting
    live = isymphony_live
    live.refresh(timeout=5)
    # Everything below the instances is read on its own cadence: wait until it was read.
    from conftest import eventually

    def everything() -> bool:
        server = live.snapshot().core_servers["default"]
        return bool(
            server.extensions["4224"].call_segments
            and server.users["mike"].logins
            and server.queues["5001"].call_segments
            and len(server.conferences) == 3
        )

    eventually(everything)
    return live.snapshot()


def every(snapshot: isymphony.Snapshot) -> dict[str, Any]:
    """One resource of each kind."""
    server = snapshot.core_servers["default"]
    user, extension, queue = server.users["mike"], server.extensions["4224"], server.queues["5001"]
    agent = queue.agents[0]
    found = [
        server,
        user,
        user.logins[0],
        user.status,
        extension,
        extension.call_segments[0],
        queue,
        agent,
        agent.statistics,
        server.conferences["8100"],
    ]
    return {resource.kind: resource for resource in found if resource is not None}


PROPERTIES = {
    "CoreServer": {"slug": "slug", "name": "name"},
    "User": {"user_name": "userName", "displayed_name": "displayedName", "permission_id": "permissionId"},
    "Login": {"ip": "ip", "port": "port", "time_connected": "timeConnected"},
    "Status": {
        "name": "name",
        "type": "type",
        "note": "note",
        "return_time": "returnTime",
        "user_created": "userCreated",
    },
    "Extension": {
        "extension_number": "extensionNumber",
        "display_name": "displayName",
        "permission_id": "permissionId",
        "configuration_id": "configurationId",
    },
    "CallSegment": {
        "type": "type",
        "did": "did",
        "on_hold": "onHold",
        "recording": "recording",
        "incoming": "incoming",
    },
    "Queue": {"display_name": "displayName", "identifier": "identifier", "permission_id": "permissionId"},
    "Agent": {"paused": "paused", "state": "state", "name": "name", "dynamic": "dynamic"},
    "Statistics": {},
    "ConferenceRoom": {
        "display_name": "displayName",
        "identifier": "identifier",
        "dial_string": "dialString",
        "user_generated": "userGenerated",
        "permission_id": "permissionId",
    },
}


def test_every_property_of_every_kind(snapshot: isymphony.Snapshot) -> None:
    found = every(snapshot)
    assert set(found) == set(PROPERTIES)
    for kind, names in PROPERTIES.items():
        resource = found[kind]
        assert type(resource).__name__ == kind
        assert isinstance(resource, isymphony.Resource)
        raw = resource.raw
        assert json.loads(resource.raw_json) == raw
        for attribute, name in names.items():
            value = getattr(resource, attribute)
            assert value == raw[name], (kind, attribute)
            assert type(value) is type(raw[name])
            assert resource.property(attribute) == resource.property(name) == value
        if "id" in raw:
            assert resource.id == uuid.UUID(raw["id"])
        assert resource.configuration_id == raw.get("configurationId")
        assert isinstance(resource.id, uuid.UUID)
        assert resource.id is resource.id
        assert 0 <= resource.age < 60
        assert abs(resource.confirmed_at.timestamp() + resource.age - time.time()) < 5
        assert set(resource.extra) <= set(raw)
        assert snapshot.resolve(resource.path) == resource
        assert resource.core_server == found["CoreServer"]
        for name in getattr(type(resource), "__match_args__"):  # noqa: B009
            assert hasattr(resource, name)


def test_caller_id(snapshot: isymphony.Snapshot) -> None:
    segment = every(snapshot)["CallSegment"]
    caller = segment.caller_id
    assert (caller.name, caller.number) == ("Ada", "5551234")
    assert segment.raw["callerId"] == {"id": caller.id, "name": caller.name, "number": caller.number}
    assert caller == segment.caller_id
    assert hash(caller) == hash(segment.caller_id)
    assert caller == isymphony.CallerId(caller.id, "Ada", "5551234")
    assert caller != isymphony.CallerId(caller.id, "Ada", None)
    assert pickle.loads(pickle.dumps(caller)) == caller
    assert repr(caller) == f"CallerId(id={caller.id!r}, name='Ada', number='5551234')"
    with pytest.raises(AttributeError):
        caller.number = "1"
    match segment:
        case isymphony.CallSegment("EXTERNAL", isymphony.CallerId(number)):
            assert number == "5551234"
        case _:
            pytest.fail("no match")


def test_relations_run_both_ways(snapshot: isymphony.Snapshot) -> None:
    server = snapshot.core_servers["default"]
    user, extension, queue = server.users["mike"], server.extensions["4224"], server.queues["5001"]
    assert all(user in other.users for other in user.extensions)
    assert user.extensions
    assert user.status is not None
    assert user.status.user == user
    assert all(login.user == user for login in user.logins)
    assert all(segment.extension == extension for segment in extension.call_segments)
    assert queue.agents
    for agent in queue.agents:
        assert agent.queue == queue
        assert agent.extension is not None
        # Each list is read on its own cadence, so one of the two may know a newer state.
        assert agent.id in [other.id for other in agent.extension.agents]
        assert agent.statistics is not None
        assert agent.statistics.agent == agent
    waiting = [segment for segment in queue.call_segments if segment.caller_id.name == "Bob"]
    assert waiting
    assert waiting[0].queue == queue
    assert isinstance(extension.call_segments, tuple)
    assert server.conferences["8100"].call_segments == ()
    assert extension.call_segments[0].conference is None


def test_values(snapshot: isymphony.Snapshot) -> None:
    for resource in every(snapshot).values():
        twin = snapshot.resolve(resource.path)
        assert twin is not resource
        assert twin == resource
        assert hash(twin) == hash(resource)
        assert resource != snapshot
        assert resource != 5
        assert copy.copy(resource) is resource
        assert copy.deepcopy(resource) is resource
        assert repr(resource).startswith(f"{resource.kind}(")
        rich = dict(resource.__rich_repr__())
        assert rich["id"] == str(resource.id)
        with pytest.raises((AttributeError, TypeError)):
            resource.id = 1
        with pytest.raises((AttributeError, TypeError)):
            resource.anything = 1
        with pytest.raises(TypeError):
            type(resource)()
    found = every(snapshot)
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(snapshot: isymphony.Snapshot, protocol: int) -> None:
    for resource in every(snapshot).values():
        value = pickle.loads(pickle.dumps(resource, protocol))
        assert type(value) is type(resource)
        assert value == resource
        assert hash(value) == hash(resource)
        assert value.raw == resource.raw
        assert value.raw_json == resource.raw_json
        assert value.extra == resource.extra
        assert value.path == resource.path
        assert repr(value) == repr(resource)
        assert abs(value.age - resource.age) < 5
        assert abs(value.confirmed_at - resource.confirmed_at) < datetime.timedelta(seconds=5)
        assert value.core_server is None or value.kind == "CoreServer"
        assert pickle.loads(pickle.dumps(value, protocol)) == resource
    value = pickle.loads(pickle.dumps(every(snapshot)["Extension"], protocol))
    assert value.call_segments == ()
    with pytest.raises(isymphony.Unsupported, match="without a client"):
        value.originate("1")


def test_snapshots_and_mappings_are_not_pickled(snapshot: isymphony.Snapshot) -> None:
    with pytest.raises(TypeError, match="Snapshot"):
        pickle.dumps(snapshot)
    with pytest.raises(TypeError, match="ResourceMapping"):
        pickle.dumps(snapshot.core_servers)


@moves_the_server
def test_a_changed_resource_is_another_value(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    before = isymphony_live.snapshot().core_servers["default"].extensions["4224"]
    isymphony_sandbox.set_display_name("4224", "Another")
    after = isymphony_live.refresh(timeout=5).core_servers["default"].extensions["4224"]
    assert before != after
    assert before.id == after.id
    assert hash(before) == hash(after)
    assert before.display_name != after.display_name == "Another"


def test_what_the_server_says_strangely(isymphony_sandbox: Sandbox) -> None:
    body = json.dumps(
        [
            {
                "id": "00000000-0000-4000-8000-000000000001",
                "extensionNumber": "1",
                "displayName": None,
                "permissionId": 5,
                "\u2028new": {"deep": [1.5, None]},
            },
            {"id": "00000000-0000-4000-8000-000000000002", "displayName": 'a"\x1b[31m\n\u0000\ud83d\ude00'},
        ]
    )
    isymphony_sandbox.respond_with("*/extensions", body)
    with isymphony.connect(isymphony_sandbox.url, resources=["extensions"]) as live:
        extensions = live.snapshot().core_servers["default"].extensions
        one = extensions["1"]
        assert (one.display_name, one.permission_id, one.configuration_id) == (None, None, None)
        assert one.property_state("display_name") == "null"
        assert one.property_state("permissionId") == "other_type"
        assert one.property_state("configuration_id") == "missing"
        assert one.property_state("extension_number") == "present"
        assert one.raw["permissionId"] == 5
        assert one.extra["\u2028new"] == {"deep": [1.5, None]}
        assert pickle.loads(pickle.dumps(one)) == one
        with pytest.raises(AttributeError):
            one.property("nothing")
        two = extensions[uuid.UUID("00000000-0000-4000-8000-000000000002")]
        assert two.symbolic_name is None
        assert two.display_name == 'a"\x1b[31m\n\u0000\U0001f600'
        assert "\x1b" not in repr(two)
        assert "\n" not in repr(two)
        assert list(extensions) == ["1", two.id]


def test_by_id(snapshot: isymphony.Snapshot) -> None:
    for resource in every(snapshot).values():
        if resource.id.int:
            assert snapshot.by_id(resource.id) == resource
            assert snapshot.by_id(str(resource.id)) == resource
    with pytest.raises(isymphony.NotFound):
        snapshot.by_id(uuid.uuid4())
    with pytest.raises(isymphony.InvalidArgument):
        snapshot.by_id("x")
    with pytest.raises(TypeError):
        snapshot.by_id(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("coreServers/getByName/nope", isymphony.NotFound),
        ("coreServers/getByName/default/extensions/getByName/0", isymphony.NotFound),
        ("nonsense", isymphony.PathError),
        ("", isymphony.PathError),
        ("coreServers/getByName", isymphony.PathError),
    ],
)
def test_paths_that_lead_nowhere(
    snapshot: isymphony.Snapshot, path: str, error: type[isymphony.IsymphonyError]
) -> None:
    with pytest.raises(error):
        snapshot.resolve(path)


def test_paths_of_lists(snapshot: isymphony.Snapshot) -> None:
    extensions = snapshot.resolve_list("coreServers/getByName/default/extensions")
    assert isinstance(extensions, isymphony.ResourceMapping)
    assert extensions == snapshot.core_servers["default"].extensions
    assert len(snapshot.resolve_list("coreServers")) == 1
    with pytest.raises(isymphony.PathError, match="a list of Extensions"):
        snapshot.resolve("coreServers/getByName/default/extensions")
    with pytest.raises(isymphony.PathError, match="one CoreServer"):
        snapshot.resolve_list("coreServers/getByName/default")


def test_snapshot_facts(snapshot: isymphony.Snapshot) -> None:
    assert snapshot.source == "live"
    assert snapshot.epoch == 1
    assert snapshot.generation > 0
    assert snapshot.has_data
    assert 0 <= snapshot.age < 60
    assert snapshot.confirmed_at is not None
    assert abs(snapshot.confirmed_at.timestamp() + snapshot.age - time.time()) < 5
    assert repr(snapshot).startswith("<Snapshot generation=")
    assert snapshot.core_servers is snapshot.core_servers


@moves_the_server
def test_diff(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    before = isymphony_live.snapshot()
    isymphony_sandbox.set_display_name("4224", "Another")
    isymphony_sandbox.add_queue("5900", "New")
    isymphony_sandbox.remove_conference("8001")
    after = isymphony_live.refresh(timeout=5)
    assert after.diff(after) == []
    changes = {change.resource.kind: change for change in after.diff(before) if change.resource}
    changed, added, removed = changes["Extension"], changes["Queue"], changes["ConferenceRoom"]
    assert (changed.kind, added.kind, removed.kind) == ("changed", "added", "removed")
    assert isinstance(changed.old, isymphony.Extension)
    assert isinstance(changed.new, isymphony.Extension)
    assert changed.new.display_name == "Another"
    assert changed.old == before.core_servers["default"].extensions["4224"]
    assert added.old is None
    assert removed.new is None
    assert removed.resource == removed.old
    assert repr(added).startswith("Change('added', Queue(")
    assert added.__rich_repr__() == ["added", added.new]
    again = {change.resource.kind: change for change in after.diff(before) if change.resource}
    assert again == changes
    assert len({*again.values(), *changes.values()}) == len(changes)
    assert added != changed
    assert added != "added"
    match added:
        case isymphony.Change("added", isymphony.Queue("5900")):
            pass
        case _:
            pytest.fail("no match")


def test_a_very_long_number_is_kept_whole(isymphony_sandbox: Sandbox) -> None:
    """What a server may send, and `int` does not read: more digits than `sys.get_int_max_str_digits()`."""
    long, path = "9" * 5000, "coreServers/getByName/default/extensions/getByName/4224"
    with isymphony.connect(isymphony_sandbox.url) as live:
        given = live.snapshot().core_servers["default"].extensions["4224"]
        members = given.raw_json.rstrip()[:-1]
        text = f'{members}, "short": 7, "long": {long}, "list": [-{long}]}}'
        isymphony_sandbox.respond_with("*/extensions", f"[{text}]")
        isymphony_sandbox.respond_with(f"*/{path}", text)
        live.refresh(10)
        extension = live.extension("4224").get()
        raws = [extension.raw, pickle.loads(pickle.dumps(extension)).raw]
        for whole in (*raws, extension.extra):
            assert (whole["short"], type(whole["short"])) == (7, int)
            assert whole["long"] == Decimal(long)
            assert whole["list"] == [Decimal("-" + long)]
            assert str(whole["long"]) == long
        assert long in extension.raw_json
