"""Waiting in an event loop: by a descriptor, without a thread for each watcher."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from .errors import Closed

if TYPE_CHECKING:
    from ._isymphony import Change, Watch


async def next_change(watch: Watch) -> Change:
    """The next change of a watch; ends the iteration once it is closed.

    Any number of tasks may await the same watch, in any number of event loops: each change goes to one of them.
    """
    while True:
        try:
            change = watch.next(0)
            if change is not None:
                return change
            descriptor = watch._descriptor()
        except Closed:
            raise StopAsyncIteration from None
        try:
            await _readable(descriptor)
        finally:
            os.close(descriptor)


async def _readable(descriptor: int) -> None:
    """Wait until a descriptor of our own is readable.

    A loop has one reader for a descriptor, and must not poll one that was closed. So every wait has a descriptor of its
    own: no other task replaces its reader, and it lives until the loop has let go of it, whoever closes the watch.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
