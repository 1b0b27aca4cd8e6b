"""What every public class has: how it shows itself, is compared, matched and pickled."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from typing import Any

import isymphony
import pytest
from conftest import eventually
from isymphony import sandbox
from isymphony.errors import IsymphonyError
from isymphony.sandbox import Sandbox
from rich.pretty import pretty_repr

SECRET = "Geheim-7531"

MODULES = (isymphony, sandbox)
PUBLIC = {getattr(module, name) for module in MODULES for name in module.__all__}
CLASSES = sorted((thing for thing in PUBLIC if isinstance(thing, type)), key=lambda cls: cls.__name__)

ALONE = {isymphony.Live, isymphony.Snapshot, isymphony.Ticket, isymphony.Watch, Sandbox, sandbox.SandboxCoreServer}
"""Each of these equals only itself, as errors do."""

UNMATCHED = ALONE - {isymphony.Ticket} | {isymphony.Resource, isymphony.ResourceMapping}
"""These have no parts that a pattern would name by their places. Nor have errors: their class says what they are."""


each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def is_error(cls: type) -> bool:
    return issubclass(cls, IsymphonyError)


def is_pickled(cls: type) -> bool:
    return cls not in ALONE and not issubclass(cls, isymphony.Handle | isymphony.ResourceMapping)


def has_its_own(cls: type, name: str) -> bool:
    return getattr(cls, name) is not getattr(object, name)


@each_class
def test_every_class(cls: type[Any]) -> None:
    assert cls.__doc__
    assert has_its_own(cls, "__repr__")
    assert callable(cls.__rich_repr__)
    assert has_its_own(cls, "__eq__") == (not is_error(cls) and cls not in ALONE)
    assert (cls.__hash__ is None) == (cls is isymphony.ResourceMapping)
    assert has_its_own(cls, "__reduce__") or not is_pickled(cls)
    assert hasattr(cls, "__match_args__") == (not is_error(cls) and cls not in UNMATCHED)
    for name in getattr(cls, "__match_args__", ()):
        assert hasattr(cls, name)


@pytest.fixture(scope="module")
def examples() -> Iterator[dict[type, object]]:
    """One of each class, of a server with a password."""
    with Sandbox(users=4, username="manager", password=SECRET, max_requests_kept=50) as server:
        server.log_in_user("mike")
        server.add_call("4224", "Bob", "5550199")
        with isymphony.connect(server.url, username="manager", password=SECRET) as live:
            server.fault("status=500; on=*/conferences; times=1")
            with contextlib.suppress(isymphony.TimedOut):
                live.refresh(0.5)
            eventually(lambda: live.health.last_error)
            eventually(lambda: live.health.state == "live" and not live.health.failing)
            eventually(lambda: live.user("mike").get().logins and live.queue("5001").get().agents[0].statistics)
            core = live.snapshot().core_servers["default"]
            watch = live.watch(initial=True)
            change = watch.next(5)
            assert change
            user, agent = core.users["mike"], core.queues["5001"].agents[0]
            (call,) = core.call_segments.values()
            lists = (core.users, core.extensions, core.call_segments, core.queues, core.conferences)
            kinds: list[Any] = [core, user.logins[0], user.status, agent, agent.statistics]
            kinds += [next(iter(each.values())) for each in lists]
            handles: list[Any] = [live.handle(kind.path) for kind in kinds]
            handles[0].get()
            report = isymphony.doctor(server.url, username="manager", password="wrong")
            found: list[Any] = [live, live.health, live.health.last_error, live.snapshot(), core.users, change, watch]
            found += [call.caller_id, *kinds, *handles, handles[0].strict(), handles[0].binding]
            found += [live.extension("4224").set_dnd(True), report, report.findings[0]]
            found += [server, server.core_server("default"), server.requests[0]]
            yield {type(one): one for one in found}


@each_class
def test_one_of_each(examples: dict[type, object], cls: type[Any]) -> None:
    if cls is isymphony.Resource:
        return  # Each is of the class of its kind.
    one: Any = cls("what happened", http_status=418) if is_error(cls) else examples[cls]
    shown = pretty_repr(one)
    assert shown.startswith(f"{cls.__name__}(")
    for text in (shown, repr(one), str(one)):
        assert SECRET not in text
    assert " at 0x" not in repr(one)
    if is_pickled(cls):
        again = pickle.loads(pickle.dumps(one))
        assert type(again) is cls
        assert (again == one) == (not is_error(cls))
    else:
        with pytest.raises(TypeError):
            pickle.dumps(one)
