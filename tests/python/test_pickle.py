"""Values in another process: what is not alive itself can be sent, stored and compared."""

from __future__ import annotations

import contextlib
import copy
import json
import multiprocessing
import pickle

import isymphony
import pytest
from conftest import eventually
from isymphony import Change, Watch
from isymphony._isymphony import _value_from_parts
from isymphony.sandbox import Sandbox


def take(watch: Watch, changes: dict[str, Change]) -> None:
    while (change := watch.next(0.2)) is not None:
        changes.setdefault(change.kind, change)


@pytest.fixture(scope="module")
def values() -> dict[str, object]:
    """One of each, from a server that restarted, sent an event and failed."""
    with Sandbox(users=8) as sandbox, isymphony.connect(sandbox.url) as live:
        live.wait(10)
        with live.watch() as watch:
            handle = live.user("mike")
            handle.resolve()
            user = sandbox.add_user("zoe", "Zoe")
            changes: dict[str, Change] = {}
            eventually(lambda: live.health.events == "connected")
            sandbox.send_event(json.dumps({"type": "special", "userId": str(user)}))
            live.refresh(10)
            sandbox.fault("status=500; on=*/queues")
            with contextlib.suppress(isymphony.IsymphonyError):
                live.refresh(1)
            eventually(lambda: live.health.failing)
            health = live.health
            sandbox.clear_faults()
            take(watch, changes)
            sandbox.restart()
            eventually(lambda: live.snapshot().epoch == 2)
            handle.resolve()
            take(watch, changes)
            sandbox.respond_with("*/logins", "what?", status=404)
            report = isymphony.doctor(sandbox.url, max_requests_per_second=5000, actions=False)
        assert {"added", "event", "epoch_changed"} <= changes.keys()
        problem = health.failing["Queue"]
        found: dict[str, object] = {"health": health, "problem": problem, "binding": handle.binding}
        found |= {"report": report, "finding": report.findings[0]}
        return found | changes | {"request": sandbox.requests[0]}


EACH = ["health", "problem", "binding", "request", "added", "event", "epoch_changed", "report", "finding"]


@pytest.mark.parametrize("name", EACH)
def test_a_pickled_value_is_the_same(values: dict[str, object], name: str) -> None:
    value = values[name]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert type(again) is type(value)
        assert again == value
        assert hash(again) == hash(value)
        public = [part for part in dir(value) if not part.startswith("_")]
        assert public
        for part in public:
            ours, theirs = getattr(value, part), getattr(again, part)
            if isinstance(ours, BaseException):
                assert (type(ours), str(ours), vars(ours)) == (type(theirs), str(theirs), vars(theirs))
            elif callable(ours):
                assert theirs() == ours(), part
            elif part in ("age", "at") and isinstance(ours, float):
                assert theirs == pytest.approx(ours, abs=1e-6)
            else:
                assert theirs == ours, part
        assert str(again) == str(value) or name == "health"
    assert copy.deepcopy(value) == value


def test_values_differ_where_one_part_does(values: dict[str, object]) -> None:
    each = [values[name] for name in EACH]
    for one in each:
        assert [other for other in each if other == one] == [one]
        assert one != "text"


def echo(queue: multiprocessing.SimpleQueue[object], back: multiprocessing.SimpleQueue[object]) -> None:
    back.put(queue.get())


def test_a_change_goes_to_another_process_and_back(values: dict[str, object]) -> None:
    spawn = multiprocessing.get_context("spawn")
    there, back = spawn.SimpleQueue(), spawn.SimpleQueue()
    process = spawn.Process(target=echo, args=(there, back))
    process.start()
    there.put([values[name] for name in EACH])
    assert back.get() == [values[name] for name in EACH]
    process.join(10)
    assert process.exitcode == 0


def test_what_another_version_pickled_is_refused() -> None:
    with pytest.raises(TypeError, match="Snapshot cannot be built"):
        _value_from_parts("Snapshot", ())
    with pytest.raises(isymphony.InvalidArgument, match='"melted" is unknown'):
        _value_from_parts("Change", ("melted", None, None, None))
    with pytest.raises(isymphony.InvalidArgument, match='"fatal" is unknown'):
        _value_from_parts("Finding", ("fatal", "name", "", ""))
