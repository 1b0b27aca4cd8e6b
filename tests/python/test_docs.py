"""The documentation: its Python, shell, PHP and Lua blocks are run, and its lists are whole.

`tests/docs/README.md` has the rules.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import isymphony
import pytest
from docs_blocks import ADDRESS, ROOT, Block, Page, pages
from isymphony.sandbox import Sandbox

PAGES = pages()
GOES_ON = ("board", "watch", "sandbox")
"""Commands that end by Ctrl-C."""


def pages_with(language: str) -> list[Any]:
    return [pytest.param(page, id=page.path) for page in PAGES if page.of(language)]


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with Sandbox(username="manager", password="secret") as sandbox:
        yield sandbox


@pytest.fixture
def live(server: Sandbox) -> Iterator[isymphony.Live]:
    with isymphony.connect(server.url, username="manager", password="secret") as live:
        yield live


def at(server: Sandbox, text: str) -> str:
    return text.replace(ADDRESS, f"127.0.0.1:{server.port}")


def is_there(thing: str) -> bool:
    """Whether the project has a file, or a Python name with dots."""
    if "/" in thing:
        return (ROOT / thing).exists()
    module, *names = thing.split(".")
    found: Any = importlib.import_module(module)
    for name in names:
        found = getattr(found, name, None)
    return found is not None


def go_to(folder: Path, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    if overlays := page.of("toml"):
        (folder / "pbx.toml").write_text(overlays[-1].code)


@pytest.mark.parametrize("page", pages_with("python"))
def test_python(
    page: Page, server: Sandbox, live: isymphony.Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_to(tmp_path, page, monkeypatch)
    scope: dict[str, Any] = {"__name__": "docs", "sandbox": server, "live": live}
    for block in page.of("python"):
        if block.needs and not is_there(block.needs):
            continue
        if re.search(r"^def test_", block.code, re.M):
            run_tests(page, block, server, tmp_path)
            continue
        if scope["live"].closed:
            scope["live"] = live
        try:
            # A fork on the page is the page's business.
            warnings.simplefilter("ignore", DeprecationWarning)
            exec(compile(at(server, block.first), f"{page.path} (before line {block.line})", "exec"), scope)
            exec(compile(at(server, block.padded), page.path, "exec"), scope)
        except BaseException as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == page.path]
            line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
            where = line or (lines[-1] if lines else block.line)
            pytest.fail(f"{page.path}:{where}: {type(error).__name__}: {error}", pytrace=False)


def run_tests(page: Page, block: Block, server: Sandbox, folder: Path) -> None:
    """A block that is a file of tests."""
    path = folder / f"test_line_{block.line}.py"
    path.write_text(at(server, block.padded))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), path.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.replace(path.name, page.path) + done.stderr


def has_command_line() -> bool:
    return importlib.util.find_spec("isymphony.cli") is not None


@pytest.mark.parametrize("page", pages_with("sh"))
def test_shell(page: Page, server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_to(tmp_path, page, monkeypatch)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    with socket.socket() as free, contextlib.ExitStack() as background:
        free.bind(("127.0.0.1", 0))
        own_port = str(free.getsockname()[1])
        free.close()
        for block in page.of("sh"):
            for number, line in enumerate(block.code.splitlines(), start=block.line):
                words = shlex.split(line, comments=True)
                where = f"{page.path}:{number}"
                if words and words[0] == "make":
                    unknown = {word for word in words[1:] if "=" not in word} - targets
                    assert not unknown, f"{where}: make has no {unknown}"
                elif words:
                    assert words[0] == "isymphony", f"{where}: nothing runs {words[0]!r}"
                    command = Command(
                        at(server, line.replace("8058", own_port) if ADDRESS not in line else line), where
                    )
                    if words[-1] == "&":
                        background.enter_context(command)
                    else:
                        command.run(goes_on=words[1] in GOES_ON)


class Command:
    """A line of a shell, as someone types it."""

    def __init__(self, line: str, where: str) -> None:
        self.where = where
        # As the installed script, also where the package is not installed.
        script = 'isymphony() { "$PYTHON" -m isymphony "$@"; }; ' + re.sub(r"&(\s*#.*)?$", "", line)
        credentials = {"ISYMPHONY_USERNAME": "manager", "ISYMPHONY_PASSWORD": "secret"}
        self.process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", script],
            env={**os.environ, **credentials, "PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *, goes_on: bool) -> None:
        try:
            said, _ = self.process.communicate(timeout=2 if goes_on else 60)
        except subprocess.TimeoutExpired:
            said = self.end()
            assert goes_on, f"{self.where}: it does not end\n{said}"
            assert self.process.returncode in (0, 130, -signal.SIGINT), (
                f"{self.where}: {self.process.returncode}\n{said}"
            )
        else:
            assert self.process.returncode == 0, f"{self.where}: exit code {self.process.returncode}\n{said}"

    def end(self) -> str:
        """End it by Ctrl-C; what it said."""
        os.killpg(self.process.pid, signal.SIGINT)
        said, _ = self.process.communicate(timeout=20)
        return said

    def __enter__(self) -> None:
        """It runs in the background, once it said something."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), f"{self.where}: it ended"

    def __exit__(self, *_: object) -> None:
        self.end()


@pytest.mark.parametrize("language", ["php", "lua"])
def test_ffi(language: str, server: Sandbox, tmp_path: Path) -> None:
    command = {"php": ["php", "-d", "ffi.enable=1"], "lua": ["luajit"]}[language]
    library = next(iter(sorted(ROOT.glob("target/*/libisymphony.so"))), None)
    if library is None or shutil.which(command[0]) is None:
        assert "ISYM_NO_SKIPS" not in os.environ, f"the C library or {command[0]} is not there"
        pytest.skip(f"the C library or {command[0]} is not there")
    (tmp_path / "libisymphony.so").symlink_to(library)
    for page in PAGES:
        for block in page.of(language):
            if block.needs is None or is_there(block.needs):
                shutil.copy(ROOT / "include/isymphony.cdef", tmp_path)
                path = tmp_path / f"line_{block.line}.{language}"
                path.write_text(at(server, block.code))
                environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
                done = subprocess.run(
                    [*command, path.name], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
                )
                said = done.stdout + done.stderr
                assert done.returncode == 0, f"{page.path}:{block.line}: {said}"
                assert "Warning" not in said, f"{page.path}:{block.line}: {said}"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    page = text_of("docs/settings.md")
    missing = [name for name in inspect.signature(isymphony.connect).parameters if f"| `{name}`" not in page]
    assert not missing, f"docs/settings.md lacks {missing}"


def test_the_python_reference_is_whole() -> None:
    page = text_of("docs/python-api.md")
    public = {f"isymphony.{name}" for name in isymphony.__all__ if not name.startswith("__")}
    public |= {f"isymphony.sandbox.{name}" for name in importlib.import_module("isymphony.sandbox").__all__}
    public |= {f"isymphony.testing.{name}" for name in importlib.import_module("isymphony.testing").__all__}
    errors = {f"isymphony.{name}" for name in importlib.import_module("isymphony.errors").__all__}
    shown = {line[4:].strip() for line in page.splitlines() if line.startswith("::: ")}
    if "isymphony.errors" in shown:
        public -= errors
    assert public - shown == set(), "docs/python-api.md lacks them"


def test_the_c_reference_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    page = importlib.import_module("c_reference").page(text_of("include/isymphony.h"))
    missing = [name for name in text_of("bindings/c/exports.txt").split() if f"{{ #{name} }}" not in page]
    assert not missing


def test_every_exception_is_explained() -> None:
    page = text_of("docs/errors.md")
    errors = importlib.import_module("isymphony.errors")
    missing = [name for name in errors.__all__ if f"`{name}`" not in page]
    assert not missing, f"docs/errors.md lacks {missing}"


def test_every_metric_is_explained(live: isymphony.Live) -> None:
    page = text_of("docs/concepts.md")
    missing = [name for name in live.metrics() if f"`{name}`" not in page]
    assert not missing, f"docs/concepts.md lacks {missing}"
