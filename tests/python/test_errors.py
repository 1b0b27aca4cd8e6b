"""The exceptions: one tree, built-in bases, stable codes, no secrets."""

from __future__ import annotations

import inspect
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any

import isymphony
import pytest
from isymphony import errors
from isymphony.sandbox import Sandbox

BASES = {
    errors.ConfigError: ("config", ValueError),
    errors.ConnectionFailed: ("connection_failed", ConnectionError),
    errors.TimedOut: ("timed_out", TimeoutError),
    errors.SyncTimeout: ("sync_timeout", TimeoutError),
    errors.AuthError: ("auth", PermissionError),
    errors.Forbidden: ("forbidden", PermissionError),
    errors.NotFound: ("not_found", LookupError),
    errors.KeyNotFound: ("not_found", KeyError),
    errors.Ambiguous: ("ambiguous", LookupError),
    errors.Stale: ("stale", Exception),
    errors.Rejected: ("rejected", Exception),
    errors.OutcomeUnknown: ("outcome_unknown", Exception),
    errors.Unsupported: ("unsupported", Exception),
    errors.Closed: ("closed", Exception),
    errors.PathError: ("invalid_path", ValueError),
    errors.InvalidArgument: ("invalid_argument", ValueError),
    errors.BadAnswer: ("bad_answer", Exception),
    errors.ServerError: ("server_error", Exception),
    errors.InternalError: ("internal", Exception),
}


def test_the_tree() -> None:
    public = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.IsymphonyError)}
    assert public == {*BASES, errors.IsymphonyError}
    for cls, (code, base) in BASES.items():
        assert issubclass(cls, base)
        assert issubclass(cls, errors.IsymphonyError)
        assert cls.code == code
        assert getattr(isymphony, cls.__name__) is cls
        assert cls.__name__ in errors.__all__
        assert cls.__name__ in isymphony.__all__


@pytest.mark.parametrize("cls", BASES)
def test_they_are_values(cls: type[errors.IsymphonyError]) -> None:
    error = cls("what 'happened'", retryable=True, http_status=418, server_message="words")
    assert str(error) == "what 'happened'"
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert type(copy) is cls
        assert (str(copy), copy.code, copy.retryable) == (str(error), cls.code, True)
        assert (copy.http_status, copy.server_message) == (418, "words")
    plain = cls("x")
    assert (plain.retryable, plain.http_status, plain.server_message) == (cls.retryable, None, None)


def test_errors_of_the_native_module_are_pickled_too(isymphony_live: isymphony.Live) -> None:
    with pytest.raises(isymphony.NotFound) as caught:
        isymphony_live.snapshot().core_servers["nope"]
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is errors.KeyNotFound
    assert str(copy) == str(caught.value)


SECRET = "s3cr3t-p\u00e4ss"


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


def test_secrets_never_show() -> None:
    with Sandbox(users=2, username="u", password=SECRET) as sandbox:
        host = sandbox.url.removeprefix("http://")
        assert SECRET not in repr(sandbox)
        with isymphony.connect(sandbox.url, username="u", password=SECRET) as live:
            snapshot = live.snapshot()
            objects = [live, snapshot, live.health, live.extension("4224"), live.extension("4224").originate("1")]
            assert not any(SECRET in repr(thing) for thing in objects)
            sandbox.fault(status=500, times=1)
            sandbox.set_credentials("u", "other")
            with pytest.raises(isymphony.TimedOut) as caught:
                live.refresh(timeout=0.3)
            assert SECRET not in shown(caught.value)
            assert SECRET not in repr(live.health)
            assert SECRET not in str(live.health.last_error)
        urls = [
            f"http://u:{SECRET}@{host}:x",
            f"ftp://u:{SECRET}@{host}",
            f"http://u:{SECRET}@{host}/wrong/path?x={SECRET}",
            f"http://u:{SECRET}@127.0.0.1:1",
        ]
        for url in urls:
            with pytest.raises(isymphony.IsymphonyError) as failed:
                isymphony.connect(url, wait=0.1)
            text = str(failed.value) + repr(failed.value) + str(vars(failed.value))
            assert SECRET not in text, text


def test_401_403_and_tls_are_told_apart() -> None:
    with Sandbox(users=2, username="u", password="right") as sandbox:
        with isymphony.connect(sandbox.url, username="u", password="wrong", wait=None) as live:
            with pytest.raises(isymphony.SyncTimeout, match="401"):
                live.wait(0.3)
            problem = live.health.last_error
            assert problem is not None
            assert isinstance(problem.error, isymphony.AuthError)
            assert isinstance(problem.error, PermissionError)
        sandbox.set_denied(True)
        with pytest.raises(isymphony.SyncTimeout, match="403"):
            isymphony.connect(sandbox.url, username="u", password="right", wait=0.3)
        sandbox.set_denied(False)
        sandbox.set_demand_tls(True)
        with pytest.raises(isymphony.SyncTimeout, match="https"):
            isymphony.connect(sandbox.url, username="u", password="right", wait=0.3)


LONE = "\ud800"


def assert_hides(error: BaseException, secret: str) -> None:
    assert secret not in shown(error) + repr(error.args)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_password_that_is_no_text_does_not_show() -> None:
    secret = "hunter2"
    with Sandbox(users=2, username="u", password="p") as sandbox:
        host = sandbox.url.removeprefix("http://")
        url, text = f"http://u:{secret}{LONE}@{host}", secret + LONE
        calls: list[tuple[str, Callable[[Any], object], Any]] = [
            ("password", lambda given: isymphony.connect(sandbox.url, username="u", password=given), text),
            ("password", lambda given: isymphony.doctor(sandbox.url, username="u", password=given), text),
            ("username", lambda given: isymphony.connect(sandbox.url, username=given), text),
            ("proxy", lambda given: isymphony.connect(sandbox.url, proxy=given), url),
            ("url", isymphony.connect, url),
            ("url", isymphony.doctor, url),
        ]
        with isymphony.connect(sandbox.url, username="u", password="p") as live:
            calls += [
                ("password", lambda given: live.set_credentials("u", given), text),
                ("username", lambda given: live.set_credentials(given, "p"), text),
                ("password", lambda given: Sandbox(username="u", password=given), text),
                ("password", lambda given: sandbox.set_credentials("u", given), text),
            ]
            for name, act, given in calls:
                with pytest.raises(isymphony.ConfigError, match=name) as refused:
                    act(given)
                assert_hides(refused.value, secret)
                for other in (given.encode(errors="replace"), [given], ("u", given), {given: given}):
                    # Which argument it is is said in a note, where exceptions have notes.
                    with pytest.raises(TypeError, match=name if sys.version_info >= (3, 11) else ".") as mistaken:
                        act(other)
                    assert_hides(mistaken.value, secret)
            assert live.refresh(5).has_data


def test_bad_arguments_are_in_the_tree(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> None:
    url, live = isymphony_sandbox.url, isymphony_live
    settings: list[tuple[str, Any]] = [
        ("connections", -1),
        ("connections", 2**70),
        ("body_limit", 2**70),
        ("max_requests_per_second", 10**400),
        ("core_servers", [LONE]),
        ("resources", [LONE]),
        ("ca_file", LONE),
        ("overlay_text", LONE),
        ("cadences", {LONE: (1, 2)}),
        ("action_paths", {"extension.originate": LONE}),
        ("action_body_keys", {LONE: "x"}),
        ("connect_timeout", -1),
        ("backoff", (float("nan"), 1)),
        ("backoff", (1, 2, 3)),
        ("cadences", {"users": (1, 2, 3)}),
        ("ca_file", "no-such-file"),
        ('both at "logout"', {"queue.login": "logout"}),
    ]
    for name, value in settings:
        setting = name if name.isidentifier() else "action_paths"
        with pytest.raises(isymphony.ConfigError, match=name):
            isymphony.connect(url, **{"wait": None, setting: value})
    mistakes: list[tuple[str, Any, str]] = [
        ("core_servers", "default", "a list"),
        ("resources", "extensions", "a list"),
        ("overlay", 1, "the path of a file, or a list of paths"),
        ("overlay", [1], "the path of a file, or a list of paths"),
        ("client_cert", 1, "the path of a file, or a tuple of two"),
        ("client_cert", ("a", "b", "c"), "the paths of the certificate and of its key"),
    ]
    for name, value, says in mistakes:
        with pytest.raises(TypeError, match=f"^argument '{name}': it is {says}.*$"):
            isymphony.connect(url, **{"wait": None, name: value})
    for name in ("sample", "search", "time_limit"):
        with pytest.raises(isymphony.ConfigError, match=name):
            isymphony.doctor(url, **{name: -1})  # type: ignore[arg-type]
    server = live.snapshot().core_servers["default"]
    agent = next(agent for queue in server.queues.values() for agent in queue.agents)
    agent_handle = live.handle(agent.path)
    assert isinstance(agent_handle, isymphony.AgentHandle)
    odd: dict[str, Any] = {LONE: "1"}
    user, extension, queue = live.user("mike"), live.extension("4224"), live.queue("5001")
    calls: list[tuple[str, Callable[[], object]]] = [
        ("slug", lambda: live.core_server(LONE)),
        ("user_name", lambda: live.user(LONE)),
        ("number", lambda: live.extension(LONE)),
        ("identifier", lambda: live.queue(LONE)),
        ("identifier", lambda: live.conference(LONE)),
        ("core_server", lambda: live.extension("4224", LONE)),
        ("path", lambda: live.handle(LONE)),
        ("path", lambda: live.post(LONE)),
        ("path", lambda: live.get_raw(LONE)),
        ("body", lambda: live.post("coreServers/x", LONE)),
        ("body", lambda: live.post("coreServers/x", [10**5000])),
        ("path", lambda: live.snapshot().resolve(LONE)),
        ("path", lambda: live.snapshot().resolve_list(LONE)),
        ("UUID", lambda: live.snapshot().by_id(LONE)),
        ("kinds", lambda: live.watch([LONE])),
        ("core_server", lambda: live.watch(core_server=LONE)),
        ("action", lambda: extension.act(LONE)),
        ("action", lambda: extension.get().act(LONE)),
        ("argument", lambda: extension.act("originate", **odd)),
        ("destination", lambda: extension.originate(LONE)),
        ("destination", lambda: extension.get().originate(LONE)),
        ("destination", lambda: extension.act("originate", destination=LONE)),
        ("extension", lambda: queue.login(LONE)),
        ("extension", lambda: queue.get().logout(LONE)),
        ("name", lambda: user.set_status(LONE, "away")),
        ("type", lambda: user.set_status("x", LONE)),
        ("note", lambda: user.get().set_status("x", "away", LONE)),
        ("return_time", lambda: user.set_status("x", "away", "", 10**30)),
        ("return_time", lambda: user.set_status("x", "away", "", LONE)),  # type: ignore[arg-type]
        ("name", lambda: user.set_status_like(LONE)),
        ("name", lambda: user.get().set_status_like(LONE)),
        ("penalty", lambda: agent.set_penalty(10**30)),
        ("penalty", lambda: agent_handle.set_penalty(-(10**30))),
        ("penalty", lambda: agent.act("set_penalty", penalty=10**30)),
        ("time", lambda: live.wait(-(10**400))),
        ("time", lambda: isymphony.connect(url, request_timeout=10**400)),
    ]
    count = isymphony_sandbox.request_count
    for name, call in calls:
        with pytest.raises((isymphony.InvalidArgument, isymphony.ConfigError), match=name) as refused:
            call()
        assert refused.value.__cause__ is None
    posts = [request for request in isymphony_sandbox.requests[count:] if request.method == "POST"]
    assert not posts
    with pytest.raises(TypeError, match="penalty"):
        agent.set_penalty("5")  # type: ignore[arg-type]
    for set_penalty in (agent.set_penalty, agent_handle.set_penalty):
        with pytest.raises(TypeError, match="penalty"):
            set_penalty(True)
    with pytest.raises(isymphony.KeyNotFound, match=r'not int: write "4224"$'):
        server.extensions[4224]  # type: ignore[index]
    with pytest.raises(isymphony.KeyNotFound, match=r"not NoneType$"):
        server.extensions[None]  # type: ignore[index]
    with pytest.raises(AttributeError):
        agent.property(LONE)
    with pytest.raises(AttributeError):
        agent.property_state(LONE)
