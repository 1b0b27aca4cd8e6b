"""The demo does what it says, quickly."""

from __future__ import annotations

import subprocess
import sys
import time


def test_demo() -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "isymphony", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert time.monotonic() - started < 20
    lines = done.stdout.splitlines()
    assert "coreServers/getByName/default/extensions/getByName/4224" in done.stdout
    assert done.stdout.count("ef2faba9-8557-49c1-9ffc-5a71f41c7a23") >= 3
    assert "accepted" in done.stdout
    assert "secret" not in done.stdout
    before = next(line for line in lines if "its id before" in line).split()[-1]
    now = next(line for line in lines if "its id now" in line).split()[3]
    assert before != now
    assert len(now) == 36
    assert lines[-1] == 'Your own server: isymphony.connect("http://user@pbx:58080", password=...)'


def test_usage() -> None:
    for arguments, code in ((["--version"], 0), ([], 2), (["nonsense"], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "isymphony", *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code
