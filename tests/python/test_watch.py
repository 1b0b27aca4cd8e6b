"""What a watch tells: by iteration, in an event loop, by a descriptor."""

from __future__ import annotations

import asyncio
import select
import threading

import isymphony
import pytest
from isymphony.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=20)


@pytest.fixture
def live(sandbox: Sandbox) -> isymphony.Live:
    return isymphony.connect(sandbox.url, cadences={"extensions": (0.05, 0.2), "core_servers": (0.05, 0.2)})


def test_changes_come_by_iteration(sandbox: Sandbox, live: isymphony.Live) -> None:
    with live.watch(["extensions"], events=False) as watch:
        assert watch.next(0) is None
        sandbox.add_extension("7777", "Seven", "mike")
        change = next(watch)
        assert change.kind == "added"
        assert isinstance(change.new, isymphony.Extension)
        assert (change.old, change.new.extension_number, change.event) == (None, "7777", None)
        sandbox.set_display_name("7777", "Siebzig")
        change = next(watch)
        assert isinstance(change.old, isymphony.Extension)
        assert isinstance(change.new, isymphony.Extension)
        assert (change.kind, change.old.display_name, change.new.display_name) == ("changed", "Seven", "Siebzig")
        sandbox.restart()
        assert next(watch).kind == "epoch_changed"
        watch.close()
        assert list(watch) == []


def test_the_initial_state_comes_first(live: isymphony.Live) -> None:
    watch = live.watch(["User"], initial=True, events=False)
    users = set()
    while (change := watch.next(0)) is not None:
        assert change.kind == "added"
        assert isinstance(change.resource, isymphony.User)
        users.add(change.resource.user_name)
    assert users == set(live.snapshot().core_servers["default"].users)


def test_a_loop_ends_when_the_client_is_closed(live: isymphony.Live) -> None:
    watch = live.watch()
    threading.Timer(0.2, live.close).start()
    for _change in watch:
        pass
    with pytest.raises(isymphony.Closed):
        watch.next(0)


def test_a_thousand_watches_hear_a_change_and_those_closed_in_their_own_loop_no_more(
    sandbox: Sandbox, live: isymphony.Live
) -> None:
    watches = [live.watch(["extensions"], events=False) for _ in range(1000)]
    sandbox.set_display_name("4224", "First")
    live.refresh(10)
    heard = 0
    for position, watch in enumerate(watches):
        for change in watch:
            assert isinstance(change.new, isymphony.Extension)
            assert change.new.display_name == "First"
            heard += 1
            if position % 2 == 0:
                break
            watch.close()  # The loop ends by itself.
    assert heard == 1000
    sandbox.set_display_name("4224", "Second")
    live.refresh(10)
    assert all(watch.next(0) is not None for watch in watches[0::2])
    for watch in watches[1::2]:
        with pytest.raises(isymphony.Closed):
            watch.next(0)


def test_events_are_handed_on(sandbox: Sandbox, live: isymphony.Live) -> None:
    watch = live.watch(kinds=["queues"])
    for _ in range(100):
        sandbox.send_event('{"type": "somethingNew", "time": 5, "x": [1]}')
        change = watch.next(0.1)
        if change is not None:
            break
    assert change is not None
    assert (change.kind, change.resource) == ("event", None)
    assert change.event == {"type": "somethingNew", "time": 5, "x": [1]}
    assert "somethingNew" in repr(change)


def test_a_descriptor_tells_when_to_look(sandbox: Sandbox, live: isymphony.Live) -> None:
    watch = live.watch(["extensions"], events=False)
    assert watch.next(0) is None
    assert select.select([watch], [], [], 0)[0] == []
    sandbox.add_extension("7777", "Seven", "mike")
    assert select.select([watch], [], [], 10)[0] == [watch]


def test_many_watchers_in_an_event_loop_need_no_threads(sandbox: Sandbox, live: isymphony.Live) -> None:
    async def first(watch: isymphony.Watch) -> str:
        async for change in watch:
            assert isinstance(change.resource, isymphony.Extension)
            return str(change.resource.extension_number)
        return "nothing"

    async def main() -> list[str]:
        watches = [live.watch(["extensions"], events=False) for _ in range(50)]
        tasks = [asyncio.create_task(first(watch)) for watch in watches]
        await asyncio.sleep(0.05)
        before = threading.active_count()
        sandbox.add_extension("7777", "Seven", "mike")
        numbers = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert threading.active_count() == before == 1
        cancelled = asyncio.create_task(first(live.watch(["users"], events=False)))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return list(numbers)

    assert asyncio.run(main()) == ["7777"] * 50


def test_bad_filters_are_told(live: isymphony.Live) -> None:
    with pytest.raises(isymphony.ConfigError, match="phones"):
        live.watch(["phones"])
    with pytest.raises((isymphony.InvalidArgument, ValueError)):
        live.watch(resource="4224")  # type: ignore[arg-type]
