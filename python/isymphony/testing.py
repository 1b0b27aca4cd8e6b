"""A pytest plugin: fixtures with the embedded server. Installed with the package, there is nothing to set up.

``isymphony_sandbox`` is a :class:`~isymphony.sandbox.Sandbox` of its own for each test, ``isymphony_live`` a client of
it. What the sandbox is started with can be chosen by indirect parameters::

    @pytest.mark.parametrize("isymphony_sandbox", [{"users": 5, "calls_per_second": 2}], indirect=True)
    def test_board(isymphony_sandbox, isymphony_live): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Live
    from .sandbox import Sandbox

__all__ = ["isymphony_live", "isymphony_sandbox"]


@pytest.fixture
def isymphony_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """An embedded iSymphony server with a world of its own."""
    from .sandbox import Sandbox

    with Sandbox(**getattr(request, "param", {})) as sandbox:
        yield sandbox


@pytest.fixture
def isymphony_live(isymphony_sandbox: Sandbox) -> Iterator[Live]:
    """A client of ``isymphony_sandbox``, synced. A sandbox that demands credentials needs a client of your own."""
    import isymphony

    with isymphony.connect(isymphony_sandbox.url) as live:
        yield live
