"""Programs on a terminal: a bare one, and one that is drawn on."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")

# The terminal of the new session becomes its controlling one, so that a password can be asked on it.
WITH_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def on_terminal(
    *arguments: str,
    answers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "isymphony"),
) -> tuple[int, str]:
    """Run the command line on a terminal, answer what it asks, and give its exit code and all that was shown."""
    ours, theirs = os.openpty()
    try:
        command = [sys.executable, "-c", WITH_TERMINAL, sys.executable, *program, *arguments]
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
        os.close(theirs)
        shown, waiting, end = "", dict(answers or {}), time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(ours, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data.decode(errors="replace")
            for question in [question for question in waiting if question in shown]:
                os.write(ours, waiting.pop(question).encode() + b"\n")
        return process.wait(30), shown
    finally:
        os.close(ours)


class Tmux:
    """A terminal of a given size, with a program in it."""

    def __init__(
        self, *arguments: str, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        if TMUX is None:
            assert "ISYM_NO_SKIPS" not in os.environ, "tmux is not installed"
            pytest.skip("tmux is not installed")
        self._folder = tempfile.TemporaryDirectory()
        self._code = Path(self._folder.name, "code")
        self._pid = Path(self._folder.name, "pid")
        # The shell outlives the program's Ctrl-C, to keep the exit code.
        script = f'trap : INT; sh -c \'echo $$ >"$0"; exec "$@"\' {self._pid} "$@"; echo $? >{self._code}; sleep 600'
        self._run(
            "new-session", "-d", "-x", str(width), "-y", str(height),
            "sh", "-c", script, "sh", sys.executable, "-m", "isymphony", *arguments, env=env,
        )  # fmt: skip

    def _run(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        assert TMUX is not None
        done = subprocess.run(
            [TMUX, "-f", "/dev/null", "-S", f"{self._folder.name}/socket", "-u", *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "screen-256color", **(env or {})},
        )
        return done.stdout

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("kill-server")
        self._folder.cleanup()

    @property
    def lines(self) -> list[str]:
        """What is seen now."""
        return self._run("capture-pane", "-p").splitlines()

    @property
    def screen(self) -> str:
        """What is seen now."""
        return "\n".join(self.lines)

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._run("display-message", "-p", "#{alternate_on}").strip() == "1"

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self._pid.read_text())

    def resize(self, width: int, height: int) -> None:
        """Another size."""
        self._run("resize-window", "-x", str(width), "-y", str(height))

    def press(self, key: str) -> None:
        """Press a key."""
        self._run("send-keys", key)

    def shows(self, check: Callable[[str], object], seconds: float = 15.0) -> str:
        """Look until the screen is so; gives it."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen
            if check(screen):
                return screen
            if time.monotonic() > end:
                pytest.fail(f"not within {seconds} s; the screen is\n{screen}")
            time.sleep(0.05)

    def code(self, seconds: float = 10.0) -> int:
        """The exit code, once the program has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):
                return int(self._code.read_text())
            time.sleep(0.05)
        pytest.fail(f"it did not end; the screen is\n{self.screen}")
