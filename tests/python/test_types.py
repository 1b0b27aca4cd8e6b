"""The stubs say what the module has, and programs type-check against them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_blocks import pages

ROOT = Path(__file__).parents[2]


def run(*command: str, code: int = 0) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_stubs() -> None:
    run("-m", "mypy.stubtest", "isymphony")


@pytest.mark.parametrize("what", ["python/isymphony", "tests/python"])
def test_mypy_strict(what: str) -> None:
    run("-m", "mypy", "--strict", what)


TYPOS = """\
import isymphony
from typing import assert_type

def right(live: isymphony.Live, snapshot: isymphony.Snapshot) -> None:
    assert_type(snapshot.resolve("a"), isymphony.Resource)
    assert_type(live.handle("a").strict().get(), isymphony.Resource)
    assert_type(live.extension("4224").strict().get(), isymphony.Extension)
    found = snapshot.by_id("a")
    if isinstance(found, isymphony.Extension):
        print(found.display_name)

def wrong(live: isymphony.Live, snapshot: isymphony.Snapshot) -> None:
    snapshot.resolve("a").no_such_thing
    snapshot.resolve_list("a")["b"].no_such_thing
    snapshot.by_id("a").no_such_thing
    live.handle("a").get().no_such_thing
    live.extension("4224").get().no_such_thing
    live.user("mike").get().extensions[0].no_such_thing
"""


def test_typos_are_found(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TYPOS)
    told = run("-m", "mypy", "--strict", "--python-version=3.11", str(program), code=1)
    wrong = [number for number, line in enumerate(TYPOS.splitlines(), start=1) if "no_such_thing" in line]
    assert {int(line.split(":")[1]) for line in told.splitlines() if "error" in line and "program" in line} == set(
        wrong
    )
    assert told.count('has no attribute "no_such_thing"') == len(wrong)


GIVEN = """\
import isymphony
from isymphony.sandbox import Sandbox

live: isymphony.Live
sandbox: Sandbox
"""


def test_the_examples_of_the_pages_type_check(tmp_path: Path) -> None:
    for page in pages():
        if blocks := [block for block in page.of("python") if not block.needs]:
            program = tmp_path / f"{re.sub(r'[^a-z]+', '_', page.path.lower())}.py"
            program.write_text(GIVEN + "\n".join(f"{block.first}\n{block.code}" for block in blocks))
    how = ("--config-file=", "--check-untyped-defs", "--allow-redefinition", "--no-strict-optional")
    run("-m", "mypy", *how, str(tmp_path))
