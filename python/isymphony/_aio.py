"""Waiting in an event loop: by a descriptor, without a thread for each watcher."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .errors import Closed

if TYPE_CHECKING:
    from ._isymphony import Change, Watch


async def next_change(watch: Watch) -> Change:
    """The next change of a watch; ends the iteration once it is closed."""
    while True:
        try:
            change = watch.next(0)
            if change is not None:
                return change
            descriptor = watch.fileno()
        except Closed:
            raise StopAsyncIteration from None
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake(ready: asyncio.Future[None] = ready) -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(descriptor, wake)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
