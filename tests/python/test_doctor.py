"""The doctor: what a server has, without carrying anything out."""

from __future__ import annotations

import json
import time

import isymphony
import pytest
from isymphony.sandbox import Sandbox

FAST = 5000.0


def test_a_healthy_server(isymphony_sandbox: Sandbox) -> None:
    isymphony_sandbox.log_in_user("mike")
    isymphony_sandbox.add_call("4224")
    report = isymphony.doctor(isymphony_sandbox.url, max_requests_per_second=FAST)
    assert report.ok
    assert report.is_connected
    assert report.server == isymphony_sandbox.url
    assert report.overlay() is None
    assert [finding for finding in report.findings if finding.severity != "info"] == []
    assert repr(report) == f"<Report {isymphony_sandbox.url}: 0 errors, 0 warnings>"
    assert "Extension.originate" in str(report)
    as_dict = report.to_dict()
    assert as_dict == json.loads(report.to_json())
    assert {action["verdict"] for action in as_dict["actions"]} == {"present"}
    assert {request.method for request in isymphony_sandbox.requests} == {"GET", "OPTIONS"}


def test_what_is_missing_becomes_an_overlay(isymphony_sandbox: Sandbox) -> None:
    url = isymphony_sandbox.url
    isymphony_sandbox.respond_with("*/logins", "what?", status=404)
    report = isymphony.doctor(url, max_requests_per_second=FAST)
    (finding,) = [finding for finding in report.findings if finding.about == "User.logins"]
    assert finding.severity == "warning"
    assert "404" in finding.message
    assert "absent = true" in finding.advice
    assert str(finding) == f"warning: User.logins: {finding.message}: {finding.advice}"
    assert repr(finding) == f"<Finding {finding}>"
    again = isymphony.doctor(url, max_requests_per_second=FAST).findings
    assert finding in again
    assert len({finding, *again}) == len(again)
    match finding:
        case isymphony.Finding("warning", about):
            assert about == "User.logins"
        case _:
            pytest.fail("it matches")
    overlay = report.overlay()
    assert overlay is not None
    adapted = isymphony.doctor(url, max_requests_per_second=FAST, overlay_text=overlay)
    assert "User.logins" not in {finding.about for finding in adapted.findings}
    with isymphony.connect(url, overlay_text=overlay) as live:
        assert not live.snapshot().core_servers["default"].users["mike"].logins


def test_what_stands_in_the_way_is_in_the_report() -> None:
    with Sandbox(users=2, username="manager", password="right") as sandbox:
        report = isymphony.doctor(sandbox.url, username="manager", password="hunter2")
        assert not report.ok
        assert not report.is_connected
        assert [finding.about for finding in report.findings] == ["credentials"]
        for text in (str(report), repr(report), report.to_json(), str(report.findings)):
            assert "hunter2" not in text
        url = sandbox.url
    assert [finding.about for finding in isymphony.doctor(url).findings] == ["connection"]


@pytest.mark.thread_unsafe(reason="it counts the requests of one thread")
def test_its_bounds(isymphony_sandbox: Sandbox) -> None:
    url = isymphony_sandbox.url
    isymphony.doctor(url, actions=False, sample=1, search=0, max_requests_per_second=FAST)
    few = isymphony_sandbox.request_count
    isymphony.doctor(url, max_requests_per_second=FAST)
    assert isymphony_sandbox.request_count > 2 * few
    started = time.monotonic()
    report = isymphony.doctor(url, time_limit=0.2, max_requests_per_second=20)
    assert time.monotonic() - started < 5
    assert not report.ok
    assert "time limit" in report.findings[0].message


def test_it_takes_the_settings_of_a_client() -> None:
    with pytest.raises(isymphony.ConfigError, match="connections"):
        isymphony.doctor("http://127.0.0.1:1", connections=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'wait'"):
        isymphony.doctor("http://127.0.0.1:1", wait=1)  # type: ignore[call-arg]
