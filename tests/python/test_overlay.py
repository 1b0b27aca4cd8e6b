"""Overlays, and what only they know of."""

from __future__ import annotations

import json
from pathlib import Path

import isymphony
import pytest
from conftest import moves_the_server
from isymphony.sandbox import Sandbox

ORIGINATE = """
[actions."Extension.originate"]
path = "call/start"
body = { destination = "number" }
"""


def posted(sandbox: Sandbox, **settings: object) -> tuple[str, object]:
    """Where an action is sent to, below its extension, and with what."""
    with isymphony.connect(sandbox.url, **settings) as live:  # type: ignore[arg-type]
        with pytest.raises(isymphony.IsymphonyError):
            live.extension("4224").originate("1")
    request = [request for request in sandbox.requests if request.method == "POST"][-1]
    return request.path.partition("/extensions/")[2].partition("/")[2], json.loads(request.body)


@pytest.mark.thread_unsafe(reason="it looks at the last request, of whichever thread")
def test_files_and_texts(isymphony_sandbox: Sandbox, tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(ORIGINATE)
    second.write_text('[actions."Extension.originate"]\npath = "second"\n')
    sandbox = isymphony_sandbox
    assert posted(sandbox, overlay=first) == ("call/start", {"number": "1"})
    assert posted(sandbox, overlay=str(first)) == ("call/start", {"number": "1"})
    assert posted(sandbox, overlay_text=ORIGINATE) == ("call/start", {"number": "1"})
    assert posted(sandbox, overlay=[first, str(second)])[0] == "second"
    assert posted(sandbox, overlay=(second, first))[0] == "call/start"
    assert posted(sandbox, overlay=second, overlay_text=ORIGINATE)[0] == "call/start"
    assert posted(sandbox, overlay=first, action_paths={"extension.originate": "third"})[0] == "third"


def test_mistakes_name_the_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("\n[kinds.ConferenceRoom]\nsymbolic_name = 'dialstring'\n")
    with pytest.raises(isymphony.ConfigError, match=r"bad\.toml: line 3: .*dialString"):
        isymphony.connect("http://127.0.0.1:1", overlay=bad)
    with pytest.raises(isymphony.ConfigError, match="line 3"):
        isymphony.doctor("http://127.0.0.1:1", overlay_text=bad.read_text())
    with pytest.raises(isymphony.ConfigError, match="cannot be opened"):
        isymphony.connect("http://127.0.0.1:1", overlay=tmp_path / "none.toml")
    with pytest.raises(TypeError, match="argument 'overlay'"):
        isymphony.connect("http://127.0.0.1:1", overlay=7)  # type: ignore[arg-type]


def test_what_a_server_does_not_have(isymphony_sandbox: Sandbox) -> None:
    text = '[actions."Extension.originate"]\nabsent = true\n[subs."User.status"]\nabsent = true\n'
    with isymphony.connect(isymphony_sandbox.url, overlay_text=text) as live:
        with pytest.raises(isymphony.Unsupported, match="overlay"):
            live.extension("4224").originate("1")
        assert live.snapshot().core_servers["default"].users["mike"].status is None
    assert not any(request.path.endswith("/status") for request in isymphony_sandbox.requests)


@moves_the_server
def test_what_only_an_overlay_knows(isymphony_sandbox: Sandbox) -> None:
    sandbox = isymphony_sandbox
    text = '[subs."Extension.voicemails"]\nkind = "raw"\n'
    path = "coreServers/getByName/default/extensions/getByName/4224/voicemails"
    with isymphony.connect(sandbox.url, overlay_text=text) as live:
        for _ in range(2):
            extension = sandbox.extension_id("4224")
            sandbox.respond_with(f"coreServers/*/extensions/{extension}/voicemails", '[{"id": 1, "x": null}]')
            assert live.get_raw(path) == [{"id": 1, "x": None}]
            sandbox.restart()
            live.refresh(timeout=10)
        with pytest.raises(isymphony.NotFound):
            live.get_raw(path.replace("4224", "9"))
        assert live.get_raw("coreServers", timeout=5)[0]["slug"] == "default"
        with pytest.raises(isymphony.PathError):
            live.get_raw("../config")
        sandbox.respond_with("coreServers/odd", "<html>")
        with pytest.raises(isymphony.BadAnswer, match="JSON"):
            live.get_raw("coreServers/odd")
