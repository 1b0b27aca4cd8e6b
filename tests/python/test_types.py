"""The stubs say what the module has, and programs type-check against them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs() -> None:
    run("-m", "mypy.stubtest", "isymphony")


@pytest.mark.parametrize("what", ["python/isymphony", "tests/python"])
def test_mypy_strict(what: str) -> None:
    run("-m", "mypy", "--strict", what)
