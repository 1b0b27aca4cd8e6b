"""What the tests share. The fixtures `isymphony_sandbox` and `isymphony_live` come from the package's own plugin."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

moves_the_server = pytest.mark.thread_unsafe(reason="it moves the one server of all threads")
"""For tests that are not run on many threads at once."""


def eventually(check: Callable[[], object], seconds: float = 10.0) -> None:
    """Look until something is so; what it raises or gives last is the failure."""
    end = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
            problem: object = "it is not so"
        except Exception as error:
            problem = error
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {problem!r}")
        time.sleep(0.01)
