"""The command line, as a user and as a script see it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import isymphony
import pytest
from isymphony.sandbox import Sandbox
from terminals import on_terminal

SECRET = "Geheim-7531"
WRONG = "Falsch-8642"
EXTENSION = "coreServers/getByName/default/extensions/getByName/4224"
STATUS = "coreServers/getByName/default/users/getByName/mike/status"
VENDORS_ID = "ef2faba9-8557-49c1-9ffc-5a71f41c7a23"
NOWHERE = "http://127.0.0.1:9"
WITHOUT_RICH = "import sys; sys.modules['rich'] = None; from isymphony.cli import main; sys.exit(main(sys.argv[1:]))"
WITH_PASSWORD = {"ISYMPHONY_USERNAME": "manager", "ISYMPHONY_PASSWORD": SECRET}

COMMANDS = ("demo", "board", "resolve", "get", "act", "watch", "doctor", "sandbox")


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with Sandbox(users=6, queues=2, username="manager", password=SECRET) as sandbox:
        yield sandbox


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    ours = {name: text for name, text in os.environ.items() if not name.startswith("ISYMPHONY_")}
    return ours | {"COLUMNS": "80"} | dict(extra or {})


def run(
    *arguments: str, env: Mapping[str, str] | None = WITH_PASSWORD, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "isymphony", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(env),
        start_new_session=True,
    )
    assert SECRET not in done.stdout + done.stderr
    assert WRONG not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@contextlib.contextmanager
def started(*arguments: str, env: Mapping[str, str] | None = WITH_PASSWORD) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "isymphony", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(env),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors, time.monotonic() - began


# -- help and usage


def test_help_of_all() -> None:
    shown = run("--help").stdout
    for command in COMMANDS:
        assert f"\n    {command} " in shown
        helped = run(command, "--help").stdout
        assert f"isymphony {command}" in helped
        assert "examples:" in helped
        assert "exit codes:" in helped
        assert "--json" in helped
    assert "carried out is not known" in shown
    assert isymphony.__version__ in run("--version").stdout


def test_help_is_for_a_terminal_of_80_columns() -> None:
    for command in COMMANDS:
        shown = run(command, "--help").stdout
        assert max(len(each) for each in shown.splitlines()) <= 80, shown
        _, _, positional = shown.partition("positional arguments:\n")
        for each in positional.partition("\n\n")[0].splitlines() if positional else ():
            assert re.fullmatch(r"  \S+ +\w.*| {20,24}\S.*", each), each
        # What the exit codes mean stands in a column of its own.
        _, _, codes = shown.partition("exit codes:\n")
        assert all(re.fullmatch(r"  \d+ +| {7}", each[:7]) for each in codes.splitlines()), codes
    assert all(f"{word} " in run("act", "--help").stdout for word in ("  PATH", "  ACTION", "  key=value"))
    # The examples can be typed as they stand.
    examples = run("act", "--help").stdout.partition("examples:\n")[2].partition("\n\n")[0]
    script = f"isymphony() {{ echo $#; }}\n{examples}"
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == "5\n6\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("resolve", NOWHERE),
        ("resolve", NOWHERE, EXTENSION, "--timeout", "-1"),
        ("act", NOWHERE, EXTENSION, "originate", "5551234"),
        ("act", NOWHERE, EXTENSION, "originate", "destination=1", "destination=2"),
        ("act", NOWHERE, EXTENSION, "originate", "timeout=2"),
        ("act", NOWHERE, EXTENSION, "originate", "force=1"),
        ("act", NOWHERE, EXTENSION, "set_penalty", "penalty=much"),
        ("resolve", "ftp://pbx", EXTENSION),
        ("watch", NOWHERE, "--kind", "nonsense", "--timeout", "0"),
        ("resolve", "http://a@b:1", EXTENSION, "--user", "c"),
        ("resolve", NOWHERE, EXTENSION, "--ca-file", "/nowhere/at/all.pem"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    code = 4 if "--kind" in arguments else 2
    done = run(*arguments, code=code)
    assert done.stdout == ""
    assert "isymphony" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sandbox", "--port", "99999"), "argument --port: '99999' is not a whole number from 0 to 65535"),
        (("sandbox", "--users", "-1"), "argument --users: '-1' is not a whole number from 0 to 1000000"),
        (("sandbox", "--seed", "9" * 5000), "is not a whole number from 0 to 1000000"),
        (("sandbox", "--calls-per-second", "nan"), "argument --calls-per-second: 'nan' is not a number"),
        (("resolve", NOWHERE, EXTENSION, "--timeout", "-1"), "argument --timeout: '-1' is not a number that is not"),
    ],
)
def test_a_number_out_of_range_is_told_with_what_is_allowed(arguments: tuple[str, ...], says: str) -> None:
    assert says in run(*arguments, code=2).stderr


def test_what_is_missing_is_named_and_nothing_else() -> None:
    told = run("act", NOWHERE, EXTENSION, code=2).stderr
    assert told.endswith("the following arguments are required: ACTION\n")


def test_a_mistyped_command_line_shows_no_password() -> None:
    for arguments in (
        (f"http://manager:{SECRET}@pbx",),
        ("board", f"http://manager:{SECRET}@pbx", f"http://manager:{SECRET}@pbx"),
        ("act", f"http://manager:{SECRET}@pbx", EXTENSION, "originate", f"http://manager:{SECRET}@pbx"),
        ("get", f"http://manager:{SECRET}@p b x", EXTENSION),
        ("get", f"http://manager:{SECRET}/@[", EXTENSION),
    ):
        run(*arguments, env={}, code=2)


def test_a_wrong_argument_is_told_to_machines_too(server: Sandbox) -> None:
    for arguments in (
        ("act", server.url, EXTENSION, "set_dnd", "on=maybe"),
        ("act", server.url, EXTENSION, "set_dnd", f"on=http://manager:{WRONG}@pbx"),
        ("resolve", "http://a@b:1", EXTENSION, "--user", "c"),
        ("resolve", server.url),
        ("nonsense", f"http://manager:{WRONG}@pbx"),
        ("sandbox", "--port", "99999"),
    ):
        done = run(*arguments, "--json", code=2)
        assert done.stdout == ""
        told = json.loads(done.stderr)
        assert told["error"] == "invalid_argument"
        assert WRONG not in told["message"]


# -- resolve and get


def test_resolve(server: Sandbox) -> None:
    assert run("resolve", server.url, EXTENSION).stdout == f"{VENDORS_ID}\n"
    asked = {request.path.rpartition("/")[2] for request in server.requests}
    assert asked <= {"coreServers", "extensions"}
    told = json.loads(run("resolve", server.url, EXTENSION, "--json").stdout)
    assert told == {"kind": "Extension", "id": VENDORS_ID, "path": EXTENSION}


def test_get_one(server: Sandbox) -> None:
    shown = run("get", server.url, EXTENSION).stdout
    assert "Extension default/extensions/4224\n" in shown
    assert "displayName" in shown
    assert "Michael Y" in shown
    told = json.loads(run("get", server.url, EXTENSION, "--json").stdout)
    assert (told["kind"], told["name"], told["id"], told["path"]) == ("Extension", "4224", VENDORS_ID, EXTENSION)
    assert told["raw"]["displayName"] == "Michael Y"
    assert told["age"] < 10


def test_get_a_list(server: Sandbox) -> None:
    path = "coreServers/getByName/default/users"
    shown = run("get", server.url, path).stdout
    assert len(shown.splitlines()) == 6
    assert "mike" in shown
    told = json.loads(run("get", server.url, path, "--json").stdout)
    assert [user["kind"] for user in told] == ["User"] * 6
    assert run("get", server.url, "coreServers/getByName/default/callSegments").stdout == ""


def test_get_raw(server: Sandbox, tmp_path: Path) -> None:
    assert json.loads(run("get", server.url, "coreServers", "--raw", "--json").stdout)[0]["slug"] == "default"
    overlay = tmp_path / "pbx.toml"
    overlay.write_text('[subs."Extension.voicemails"]\nkind = "raw"\n')
    server.respond_with(f"coreServers/*/extensions/{VENDORS_ID}/voicemails", '[{"id": 1, "from": "Bj\u00f6rn"}]')
    shown = run("get", server.url, f"{EXTENSION}/voicemails", "--raw", "--overlay", str(overlay)).stdout
    assert json.loads(shown) == [{"id": 1, "from": "Björn"}]
    run("get", server.url, "nonsense", "--raw", code=3)


def test_a_number_too_long_for_int_is_told_by_its_digits(server: Sandbox) -> None:
    long = "9" * 5000
    server.respond_with("*/extensions", f'[{{"id": "{VENDORS_ID}", "extensionNumber": "4224", "long": {long}}}]')
    assert json.loads(run("get", server.url, EXTENSION, "--json").stdout)["raw"]["long"] == long
    assert long in run("get", server.url, EXTENSION).stdout.replace("\n", "").replace(" ", "")


def test_what_is_not_there(server: Sandbox) -> None:
    nobody = EXTENSION.replace("4224", "0000")
    done = run("resolve", server.url, nobody, code=3)
    assert done.stdout == ""
    assert "0000" in done.stderr
    told = json.loads(run("get", server.url, nobody, "--json", code=3).stderr)
    assert told["error"] == "not_found"
    assert told["retryable"] is False
    run("resolve", server.url, "coreServers/getByName/default/nonsense", code=2)
    assert "list" in run("resolve", server.url, "coreServers", code=2).stderr


def test_names_cannot_move_the_cursor(server: Sandbox) -> None:
    server.set_display_name("4224", "evil\x1b[2J\x07name")
    shown = run("get", server.url, EXTENSION).stdout
    assert "\x1b" not in shown
    assert "evil?[2J?name" in shown
    assert "\x1b" not in run("get", server.url, "coreServers/getByName/default/extensions").stdout
    assert "\x1b" not in run("board", server.url, "--once").stdout


# -- act


def test_act(server: Sandbox) -> None:
    shown = run("act", server.url, EXTENSION, "originate", "destination=5551234").stdout
    assert shown.startswith("accepted: coreServers/")
    assert server.call_segments("4224")
    told = json.loads(run("act", server.url, STATUS, "set", "name=Out=side", "type=away", "--json").stdout)
    assert told["outcome"] == "accepted"
    assert json.loads(run("get", server.url, STATUS, "--json").stdout)["raw"]["name"] == "Out=side"
    queue = "coreServers/getByName/default/queues/getByName/5001"
    agent = f"{queue}/agents/{server.agent_id('5001', '4224')}"
    run("act", server.url, agent, "set_penalty", "penalty=3")
    assert any('"penalty":3' in request.body for request in server.requests)


def test_what_is_easier_than_the_actions(server: Sandbox) -> None:
    mike = "coreServers/getByName/default/users/getByName/mike"
    user = mike.replace("mike", "4224")

    def status(path: str) -> tuple[str, str]:
        raw = json.loads(run("get", server.url, f"{path}/status", "--json").stdout)["raw"]
        return raw["name"], raw["type"]

    run("act", server.url, user, "set_status", "name=At the dentist", "type=away", "note=back at one")
    assert status(user) == ("At the dentist", "away")
    run("act", server.url, mike, "set_status_like", "name=At the dentist")
    assert status(mike) == ("At the dentist", "away")
    run("act", server.url, EXTENSION, "set_dnd", "on=yes")
    assert any(request.path.endswith("/enableDnd") for request in server.requests)
    for arguments, words in (
        ([EXTENSION, "set_dnd", "on=maybe"], "yes or no"),
        ([EXTENSION, "set_dnd"], "needs on=…"),
        ([mike, "set_status", "name=At the dentist"], "needs type=…"),
        ([mike, "set_status_like", "name=At the dentist", "type=away"], "no argument type"),
    ):
        assert words in run("act", server.url, *arguments, code=2).stderr
    told = run("act", server.url, EXTENSION, "set_status_like", "name=At the dentist", code=1).stderr
    assert "an Extension has no action" in told


def test_refused_and_unknown(server: Sandbox) -> None:
    done = run(
        "act", server.url, "coreServers/getByName/default/queues/getByName/5001", "login", "extension=4224", code=1
    )
    assert "already logged in" in done.stderr
    told = json.loads(run("act", server.url, EXTENSION, "fly", "--json", code=1).stderr)
    assert told["error"] == "unsupported"
    run("act", server.url, EXTENSION, "originate", "somewhere=1", code=2)
    run("act", server.url, EXTENSION.replace("4224", "0"), "originate", "destination=1", code=3)
    run("act", server.url, EXTENSION.replace("4224", "0"), "originate", "destination=1", "--force", code=3)
    assert [each.path for each in server.requests if each.method == "POST"][-1].endswith("/getByName/0/originate")
    server.fault(drop=True, on="*/originate", times=1)
    assert run("act", server.url, EXTENSION, "originate", "destination=1", code=6).stdout.startswith("unknown: ")
    server.fault(drop=True, on="*/originate", times=1)
    done = run("act", server.url, EXTENSION, "originate", "destination=1", "--json", code=6)
    assert json.loads(done.stdout)["outcome"] == "unknown"
    server.fault(delay=30, on="*/originate", times=1)
    run("act", server.url, EXTENSION, "originate", "destination=1", "--timeout", "1", code=6)


# -- credentials and connections


def test_credentials(server: Sandbox) -> None:
    with_user = server.url.replace("://", "://manager@")
    with_both = server.url.replace("://", f"://manager:{SECRET}@")
    arguments = ("--timeout", "5")
    run("resolve", server.url, EXTENSION, "--user", "manager", env={"ISYMPHONY_PASSWORD": SECRET})
    run("resolve", with_user, EXTENSION, env={"ISYMPHONY_PASSWORD": SECRET})
    run("resolve", with_both, EXTENSION, env={})
    run("resolve", with_both, EXTENSION, env={"ISYMPHONY_USERNAME": "other", "ISYMPHONY_PASSWORD": WRONG})
    for json_too in ((), ("--json",)):
        done = run("resolve", server.url, EXTENSION, *arguments, *json_too, env={}, code=5)
        assert "401" in done.stderr
        wrong = {"ISYMPHONY_PASSWORD": WRONG}
        run("resolve", server.url, EXTENSION, "--user", "manager", *arguments, *json_too, env=wrong, code=5)
        run("resolve", server.url.replace("://", f"://m:{WRONG}@"), EXTENSION, *arguments, *json_too, env={}, code=5)
    done = run("resolve", server.url, EXTENSION, "--user", "manager", env={}, code=2)
    assert "ISYMPHONY_PASSWORD" in done.stderr
    server.set_denied(True)
    began = time.monotonic()
    assert "white list" in run("resolve", server.url, EXTENSION, code=5).stderr
    assert time.monotonic() - began < 8  # It is told at once, and not after the time limit.


def test_names_that_are_percent_encoded() -> None:
    with Sandbox(users=2, username="häns@work", password=SECRET) as sandbox:
        url = sandbox.url.replace("://", "://h%C3%A4ns%40work@")
        run("resolve", url, EXTENSION, env={"ISYMPHONY_PASSWORD": SECRET})
        run("resolve", sandbox.url, EXTENSION, "--user", "häns@work", env={"ISYMPHONY_PASSWORD": SECRET})


def test_verbose_shows_no_password(server: Sandbox) -> None:
    done = run("act", server.url, EXTENSION, "originate", "destination=1", "-v")
    assert "Extension.originate" in done.stderr


def test_password_is_asked_on_the_terminal(server: Sandbox) -> None:
    environment = {"ISYMPHONY_USERNAME": "", "TERM": "dumb"}
    code, shown = on_terminal(
        "resolve",
        server.url,
        EXTENSION,
        "--user",
        "manager",
        answers={"Password of manager: ": SECRET},
        env=environment,
    )
    assert code == 0, shown
    assert VENDORS_ID in shown
    assert SECRET not in shown


ON_A_TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "100"}
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"
"""What a terminal is sent to show its cursor, and to hide it."""


def test_progress_on_a_terminal() -> None:
    with Sandbox(users=3) as sandbox:
        sandbox.fault(delay=2.5, on="*/queues", times=1)
        code, shown = on_terminal("get", sandbox.url, EXTENSION, env=ON_A_TERMINAL)
        assert code == 0, shown
        assert f"reading {sandbox.url}" in shown
        done, total = map(int, re.findall(r"(\d+)/(\d+)", shown)[-1])
        assert 0 < done < total
        assert "━" in shown  # The bar.
        before, _, after = shown.rpartition(SHOW)
        assert HIDE in before
        assert f"reading {sandbox.url}" not in after
        assert "Michael Y" in after


def test_progress_where_nobody_knows_how_much_there_is_to_do() -> None:
    with Sandbox(users=3) as sandbox:
        for command, on in (
            (("resolve", sandbox.url, EXTENSION), "coreServers"),
            (("act", sandbox.url, EXTENSION, "originate", "destination=5551234"), "*/originate"),
            (("get", sandbox.url, f"{EXTENSION}/nothing", "--raw"), "*/nothing"),
            (("doctor", sandbox.url), "coreServers"),
        ):
            sandbox.fault(delay=2.0, on=on, times=1)
            _, shown = on_terminal(*command, env=ON_A_TERMINAL)
            assert sandbox.url.removeprefix("http://") in shown.partition(SHOW)[0], shown
            assert len(set(re.findall("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", shown))) > 3, command  # The wheel turns.
            assert "━" not in shown, command


def test_progress_without_rich() -> None:
    with Sandbox(users=3) as sandbox:
        sandbox.fault(delay=2.5, on="*/queues", times=1)
        command = ("-c", WITHOUT_RICH, "get", sandbox.url, EXTENSION)
        code, shown = on_terminal(*command, env=ON_A_TERMINAL, program=())
        assert code == 0, shown
        assert re.search(rf"reading {sandbox.url}: \d+ of \d+ \(\d s\)", shown)
        assert "reading" not in shown.rpartition("\x1b[K")[2]


def test_no_progress_where_it_would_not_be_seen() -> None:
    with Sandbox(users=3) as sandbox:
        sandbox.fault(delay=2.0, on="coreServers", times=1)
        assert run("resolve", sandbox.url, EXTENSION, env={}).stderr == ""
        sandbox.fault(delay=2.0, on="coreServers", times=1)
        assert on_terminal("resolve", sandbox.url, EXTENSION, env={"TERM": "dumb"}) == (0, f"{VENDORS_ID}\r\n")
        # What is quick shows nothing.
        assert on_terminal("resolve", sandbox.url, EXTENSION, env=ON_A_TERMINAL) == (0, f"{VENDORS_ID}\r\n")


def test_progress_ends_with_ctrl_c_and_with_an_error() -> None:
    with Sandbox(users=3) as sandbox:
        sandbox.fault(stall="before_head", on="*/originate")
        command = ("act", sandbox.url, EXTENSION, "originate", "destination=1", "--timeout", "2")
        code, shown = on_terminal(*command, env=ON_A_TERMINAL)
        assert code == 6, shown
        assert "unknown: " in shown.rpartition(SHOW)[2]
        command = (*command[:-1], "60")
        code, shown = on_terminal(*command, answers={"answer originate": "\x03"}, env=ON_A_TERMINAL)
        assert code == 130, shown
        assert shown.rpartition(SHOW)[0]
        assert "Traceback" not in shown


def test_unreachable() -> None:
    done = run("resolve", NOWHERE, EXTENSION, "--timeout", "0.5", code=4)
    assert "cannot connect" in done.stderr
    told = json.loads(run("board", NOWHERE, "--once", "--json", "--timeout", "0.5", code=4).stderr)
    assert told["error"] == "sync_timeout"
    run("watch", NOWHERE, "--timeout", "0", code=4)


def test_only_some_core_servers() -> None:
    with Sandbox(users=3, core_servers=["default", "other"]) as sandbox:
        done = run("board", sandbox.url, "--json", "--core-server", "other", env={})
        assert {user["core_server"] for user in json.loads(done.stdout)["users"]} == {"other"}
        assert "default" in run("board", sandbox.url, env={}).stdout


# -- watch


def test_watch(server: Sandbox) -> None:
    with started("watch", server.url, "--json", "--initial", "--kind", "call_segments", "--no-events") as process:
        lines: list[dict[str, Any]] = []
        server.add_call("4224", "Bob", "5550199")
        lines.append(json.loads(line(process)))
        told = lines[-1]
        assert told["kind"] == "CallSegment"
        assert told["raw"]["callerId"]["number"] == "5550199"
        assert told["time"]
        server.hold(told["id"])
        while lines[-1]["change"] != "changed":
            lines.append(json.loads(line(process)))
        assert (lines[-1]["old"]["onHold"], lines[-1]["raw"]["onHold"]) == (False, True)
        code, errors, seconds = interrupted(process)
        assert (code, errors) == (130, "")
        assert seconds < 3


def test_watch_initial_and_count(server: Sandbox) -> None:
    shown = run("watch", server.url, "--initial", "--kind", "users", "--no-events", "--count", "6").stdout
    assert shown.count("added    User default/users/") == 6
    done = run("watch", server.url, "--initial", "--path", EXTENSION, "--no-events", "--count", "1", "--json")
    assert json.loads(done.stdout)["id"] == VENDORS_ID


def test_watch_tells_of_outages_and_restarts(server: Sandbox) -> None:
    with started("watch", server.url, "--initial", "--kind", "core_servers", "--no-events") as process:
        assert "added" in line(process)
        server.stop_listening()
        assert "health   stale: cannot connect" in line(process)
        server.restart()
        server.start_listening()
        told = [line(process), line(process)]
        assert any("epoch    CoreServer default  has started anew" in each for each in told)
        assert any("health   live" in each for each in told)


def test_closed_pipe(server: Sandbox) -> None:
    with started("watch", server.url, "--initial") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line(process)
        process.stdout.close()
        for _ in range(300):
            if process.poll() is not None:
                break
            server.hang_up(server.add_call("4224"))
            time.sleep(0.05)
        assert process.returncode == 141
        assert process.stderr.read() == ""
    many = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" -m isymphony get "$1" coreServers/getByName/default/users | true; echo ${PIPESTATUS[0]}',
            sys.executable,
            server.url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(WITH_PASSWORD),
    )
    assert many.stdout in ("0\n", "141\n")
    assert many.stderr == ""
    helped = subprocess.run(
        ["bash", "-c", '"$0" -m isymphony --help | true', sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert helped.stderr == ""


def test_closed_streams(server: Sandbox) -> None:
    """What was closed before the start is no reason for a traceback, and goes to no other stream or connection."""

    def run_with(closed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f'exec "$0" -m isymphony "$@" {closed}', sys.executable, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=clean_environment(WITH_PASSWORD),
        )

    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        for command in (("resolve", server.url, EXTENSION), ("board", server.url), ("demo", "--json")):
            done = run_with(closed, *command)
            assert (done.returncode, done.stderr) == (0, ""), (closed, command)
        done = run_with(closed, "resolve", server.url, f"{EXTENSION}9")
        assert (done.returncode, done.stdout) == (3, ""), closed
        assert ("no Extension is named" in done.stderr) == ("2>" not in closed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(server: Sandbox) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "isymphony", "resolve", server.url, EXTENSION],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            env=clean_environment(WITH_PASSWORD),
        )
    assert done.returncode == 1
    assert done.stderr.startswith("isymphony: ")
    assert done.stderr.count("\n") == 1


def test_a_terminal_of_another_time(server: Sandbox) -> None:
    for command in (("board", server.url), ("get", server.url, "coreServers/getByName/default/users"), ("demo",)):
        run(*command, env={**WITH_PASSWORD, "PYTHONIOENCODING": "ascii"})
        run(*command, "--json", env={**WITH_PASSWORD, "PYTHONIOENCODING": "ascii"})


# -- board, sandbox, demo


def test_board_once(server: Sandbox) -> None:
    server.add_call("4224", "Bob", "5550199")
    server.queue_call("5001", "Ann", "5550188")
    shown = run("board", server.url).stdout
    assert "live" in shown
    assert "Users 6" in shown
    assert "← Bob 5550199" in shown
    assert "5001 IncomingQ" in shown
    assert max(len(each) for each in shown.splitlines()) <= 80
    told = json.loads(run("board", server.url, "--json").stdout)
    assert told["health"]["state"] == "live"
    assert len(told["users"]) == 6
    (busy,) = [extension for extension in told["extensions"] if extension["number"] == "4224"]
    assert busy["calls"][0]["number"] == "5550199"


def test_without_rich(server: Sandbox) -> None:
    def run_without(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_RICH, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=clean_environment(WITH_PASSWORD),
        )

    done = run_without("board", server.url)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "pip install 'isymphony[cli]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(run_without("board", server.url, "--json").stdout)["users"]
    assert run_without("resolve", server.url, EXTENSION).stdout == f"{VENDORS_ID}\n"
    assert run_without("get", server.url, EXTENSION).returncode == 0
    assert run_without("demo").returncode == 0
    assert run_without("--help").returncode == 0


def test_sandbox() -> None:
    with started("sandbox", "--users", "5", "--queues", "1", "--calls", "1", env={}) as process:
        told = line(process)
        url = told.split()[6].rstrip(";")
        with urllib.request.urlopen(f"{url}/communication_manager/rest/live/coreServers", timeout=5) as answer:
            assert json.load(answer)
        assert run("get", url, "coreServers/getByName/default/users", env={}).stdout.count("\n") == 5
        code, errors, seconds = interrupted(process)
        assert (code, errors) == (130, "")
        assert seconds < 3


def test_sandbox_with_a_password() -> None:
    environment = {"ISYMPHONY_PASSWORD": SECRET}
    with started("sandbox", "--json", "--user", "manager", "--seed", "7", env=environment) as process:
        told = json.loads(line(process))
        assert told["username"] == "manager"
        assert SECRET not in json.dumps(told)
        run("resolve", told["url"], "coreServers/getByName/default")
        run("resolve", told["url"], "coreServers/getByName/default", env={}, code=5)
        process.terminate()
        assert process.wait(10) == 143
    assert "port" in run("sandbox", "--port", str(99999), code=2).stderr
    with Sandbox(users=1) as other:
        assert "in use" in run("sandbox", "--port", str(other.port), code=2).stderr


def test_demo_as_json() -> None:
    told = json.loads(run("demo", "--json").stdout)
    assert (told["outcome"], told["outcome_after_restart"]) == ("accepted", "accepted")
    assert told["id_before"] == VENDORS_ID
    assert told["id_now"] != VENDORS_ID


# -- doctor and overlays


def test_doctor(server: Sandbox, tmp_path: Path) -> None:
    server.log_in_user("mike")
    server.add_call("4224")
    done = run("doctor", server.url)
    assert "Extension.originate" in done.stdout
    assert done.stderr == ""
    told = json.loads(run("doctor", server.url, "--json").stdout)
    assert {action["verdict"] for action in told["actions"]} == {"present"}
    file = tmp_path / "pbx.toml"
    assert "nothing to write" in run("doctor", server.url, "--write-overlay", str(file)).stderr
    assert not file.exists()
    assert not any(request.method == "POST" for request in server.requests)


def test_doctor_writes_an_overlay(server: Sandbox, tmp_path: Path) -> None:
    server.respond_with("*/logins", "what?", status=404)
    file = tmp_path / "pbx.toml"
    done = run("doctor", server.url, "--write-overlay", str(file), "--no-actions")
    assert f"wrote {file}" in done.stderr
    assert "User.logins" in file.read_text()
    assert "exists already" in run("doctor", server.url, "--write-overlay", str(file), code=2).stderr
    server.clear_requests()
    run("resolve", server.url, EXTENSION, "--overlay", str(file))
    json.loads(run("board", server.url, "--json", "--overlay", str(file)).stdout)
    assert not any(request.path.endswith("/logins") for request in server.requests)
    file.write_text("[nonsense]\n")
    assert "line 1" in run("resolve", server.url, EXTENSION, "--overlay", str(file), code=2).stderr


def test_doctor_says_what_stands_in_the_way(server: Sandbox) -> None:
    assert "Connection refused" in run("doctor", NOWHERE, code=4).stdout
    wrong = {"ISYMPHONY_PASSWORD": WRONG}
    told = json.loads(run("doctor", server.url, "--user", "manager", "--json", env=wrong, code=5).stdout)
    assert [finding["about"] for finding in told["findings"]] == ["credentials"]
    run("doctor", server.url.replace("://", f"://manager:{WRONG}@"), env={}, code=5)
    server.set_denied(True)
    run("doctor", server.url, code=5)
