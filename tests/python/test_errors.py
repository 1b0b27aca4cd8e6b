"""The exceptions: one tree, built-in bases, stable codes, no secrets."""

from __future__ import annotations

import inspect
import pickle
import traceback

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
