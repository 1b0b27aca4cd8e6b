"""What a watch tells: by iteration, in an event loop, by a descriptor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import threading
import time
import uuid

import isymphony
import pytest
from conftest import moves_the_server
from isymphony.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(users=20)


@pytest.fixture
def live(sandbox: Sandbox) -> isymphony.Live:
    return isymphony.connect(sandbox.url, cadences={"extensions": (0.05, 0.2), "core_servers": (0.05, 0.2)})


@moves_the_server
def test_changes_come_by_iteration(sandbox: Sandbox, live: isymphony.Live) -> None:
    with live.watch(["extensions"], events=False) as watch:
        assert watch.next(0) is None
        sandbox.add_extension("7777", "Seven", "mike")
        change = next(watch)
        assert change.kind == "added"
        assert isinstance(change.new, isymphony.Extension)
        assert (change.old, change.new.extension_number, change.event) == (None, "7777", None)
        sandbox.set_display_name("7777", "Siebzig")
        # That it is mike's shows by itself, from the user's own list.
        names = ("Seven", "Seven")
        while names == ("Seven", "Seven"):
            change = next(watch)
            assert isinstance(change.old, isymphony.Extension)
            assert isinstance(change.new, isymphony.Extension)
            names = (str(change.old.display_name), str(change.new.display_name))
            assert change.kind == "changed"
        assert names == ("Seven", "Siebzig")
        sandbox.restart()
        assert any(change.kind == "epoch_changed" for change in watch)
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


@pytest.mark.thread_unsafe(reason="it closes the one client of all threads")
def test_a_loop_ends_when_the_client_is_closed(live: isymphony.Live) -> None:
    watch = live.watch()
    threading.Timer(0.2, live.close).start()
    for _change in watch:
        pass
    with pytest.raises(isymphony.Closed):
        watch.next(0)


@moves_the_server
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


@moves_the_server
def test_a_descriptor_tells_when_to_look(sandbox: Sandbox, live: isymphony.Live) -> None:
    watch = live.watch(["extensions"], events=False)
    assert watch.next(0) is None
    assert select.select([watch], [], [], 0)[0] == []
    sandbox.add_extension("7777", "Seven", "mike")
    assert select.select([watch], [], [], 10)[0] == [watch]


@pytest.mark.thread_unsafe(reason="it counts the threads")
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


@pytest.mark.thread_unsafe(reason="restarts the server")
def test_by_a_handle_it_goes_on_after_a_restart(sandbox: Sandbox, live: isymphony.Live) -> None:
    handle = live.extension("4224")

    def renamed(name: str, old_id: uuid.UUID | None) -> uuid.UUID:
        sandbox.set_display_name("4224", name)
        live.refresh(10)
        while (change := watch.next(10)) and change.kind == "epoch_changed":
            pass
        assert change is not None
        assert change.kind == "changed"
        assert isinstance(change.new, isymphony.Extension)
        assert change.new.display_name == name
        assert change.new.id != old_id
        return change.new.id

    with live.watch(resource=handle, events=False) as watch:
        first = renamed("One", None)
        epoch = live.snapshot().epoch
        sandbox.restart()
        while live.refresh(10).epoch == epoch:
            pass
        assert watch.next(10).kind == "epoch_changed"  # type: ignore[union-attr]
        renamed("Two", first)


def test_bad_filters_are_told(live: isymphony.Live) -> None:
    with pytest.raises(isymphony.ConfigError, match="phones"):
        live.watch(["phones"])
    with pytest.raises((isymphony.InvalidArgument, ValueError)):
        live.watch(resource="4224")  # type: ignore[arg-type]


async def first_of(watch: isymphony.Watch) -> isymphony.Change | None:
    async for change in watch:
        return change
    return None


def number(change: isymphony.Change | None) -> str:
    assert change
    assert isinstance(change.new, isymphony.Extension)
    return str(change.new.extension_number)


@moves_the_server
def test_several_tasks_may_await_one_watch(sandbox: Sandbox, live: isymphony.Live) -> None:
    async def main() -> None:
        watch = live.watch(["extensions"], events=False)
        tasks = [asyncio.create_task(first_of(watch)) for _ in range(4)]
        await asyncio.sleep(0.05)
        tasks.pop(1).cancel()
        for extension in ("4224", "10001", "10003"):
            sandbox.set_display_name(extension, "Seven")
        changes = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert sorted(map(number, changes)) == ["10001", "10003", "4224"]

    asyncio.run(main())


def test_closing_a_watch_ends_all_who_await_it(live: isymphony.Live) -> None:
    async def main() -> None:
        watch = live.watch(["extensions"], events=False)
        tasks = [asyncio.create_task(first_of(watch)) for _ in range(3)]
        await asyncio.sleep(0.05)
        watch.close()
        # What takes the number of the descriptor that is gone is not touched.
        loop, readers, seen = asyncio.get_running_loop(), [], 0

        def see(reader: socket.socket) -> None:
            nonlocal seen
            seen += len(reader.recv(1))

        with contextlib.ExitStack() as stack:
            for _ in range(4):
                reader, writer = map(stack.enter_context, socket.socketpair())
                loop.add_reader(reader, see, reader)
                stack.callback(loop.remove_reader, reader)
                readers.append((reader, writer))
            assert await asyncio.wait_for(asyncio.gather(*tasks), 10) == [None] * 3
            for _reader, writer in readers:
                writer.send(b"x")
            await asyncio.sleep(0.05)
            assert seen == 4
        with pytest.raises(StopAsyncIteration):
            await watch.__anext__()

    asyncio.run(main())


@moves_the_server
def test_a_watch_is_awaited_in_two_event_loops(sandbox: Sandbox, live: isymphony.Live) -> None:
    watch = live.watch(["extensions"], events=False)
    taken: list[isymphony.Change | None] = []

    def take(how_many: int) -> None:
        async def main() -> None:
            tasks = [asyncio.create_task(first_of(watch)) for _ in range(how_many)]
            taken.extend(await asyncio.wait_for(asyncio.gather(*tasks), 20))

        asyncio.run(main())

    def finish(how_many: int) -> None:
        threads = [threading.Thread(target=take, args=(how_many,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        if how_many == 1:
            sandbox.set_display_name("4224", "Seven")
            sandbox.set_display_name("10001", "Seven")
        else:
            watch.close()
        for thread in threads:
            thread.join(30)

    finish(1)
    assert sorted(map(number, taken)) == ["10001", "4224"]
    taken.clear()
    finish(3)
    assert taken == [None] * 6


@pytest.mark.thread_unsafe(reason="it forks")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_closing_wakes_also_while_a_forked_child_lives(live: isymphony.Live) -> None:
    async def main() -> None:
        watch = live.watch(["extensions"], events=False)
        task = asyncio.create_task(first_of(watch))
        await asyncio.sleep(0.05)
        stop, go = os.pipe()
        child = os.fork()
        if not child:
            os.close(go)
            os.read(stop, 1)
            os._exit(0)
        try:
            watch.close()
            assert await asyncio.wait_for(task, 10) is None
        finally:
            os.close(go)
            os.close(stop)
            os.waitpid(child, 0)

    asyncio.run(main())
