"""The mappings keep the laws of `collections.abc.Mapping`."""

from __future__ import annotations

import uuid
from collections.abc import ItemsView, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any

import isymphony
import pytest
from isymphony.sandbox import Sandbox


@pytest.fixture
def server(isymphony_sandbox: Sandbox, isymphony_live: isymphony.Live) -> isymphony.CoreServer:
    isymphony_sandbox.add_call("4224")
    isymphony_sandbox.add_extension("777", "First", user_name="mike")
    isymphony_sandbox.add_extension("777", "Second", user_name="mike")
    return isymphony_live.refresh(timeout=5).core_servers["default"]


@pytest.mark.parametrize("name", ["users", "extensions", "call_segments", "queues", "conferences"])
def test_laws(server: isymphony.CoreServer, name: str) -> None:
    mapping: Mapping[Any, Any] = getattr(server, name)
    assert getattr(server, name) is mapping
    assert isinstance(mapping, Mapping)
    assert not isinstance(mapping, MutableMapping)
    keys = list(mapping)
    assert len(keys) == len(mapping) == len(set(keys)) > 0
    assert bool(mapping)
    plain = {key: mapping[key] for key in keys}
    assert dict(mapping) == plain == {**mapping}
    assert mapping == plain
    assert plain == mapping
    assert not (mapping != plain)  # noqa: SIM202
    assert mapping != {}
    assert mapping != 5  # type: ignore[comparison-overlap]
    for key in keys:
        assert key in mapping
        assert mapping.get(key) == mapping[key]
        assert mapping[key] is mapping[key] or not isinstance(key, str)
        assert mapping[mapping[key].id] == mapping[key]
        assert mapping[key].id in mapping
    assert isinstance(mapping.keys(), KeysView)
    assert isinstance(mapping.values(), ValuesView)
    assert isinstance(mapping.items(), ItemsView)
    assert list(mapping.keys()) == keys
    assert list(mapping.values()) == list(plain.values())
    assert list(mapping.items()) == list(plain.items())
    assert mapping.keys() == plain.keys()
    assert mapping.keys() & set(keys) == set(keys)
    assert (keys[0], mapping[keys[0]]) in mapping.items()
    assert mapping[keys[0]] in mapping.values()
    with pytest.raises(TypeError):
        hash(mapping)
    with pytest.raises(TypeError):
        reversed(mapping)
    with pytest.raises(TypeError):
        mapping["x"] = 1  # type: ignore[index]
    match mapping:
        case {**rest}:
            assert rest == plain
        case _:
            pytest.fail("it is no mapping to a match statement")


@pytest.mark.parametrize("key", ["nope", "", uuid.uuid4(), 4224, None, b"4224", "\ud800", (1, 2)])
def test_what_is_not_there(server: isymphony.CoreServer, key: Any) -> None:
    for mapping in (server.extensions, server.call_segments):
        assert key not in mapping
        assert mapping.get(key) is None
        assert mapping.get(key, 5) == 5
        with pytest.raises(isymphony.NotFound) as caught:
            mapping[key]
        assert isinstance(caught.value, KeyError)
        assert caught.value.code == "not_found"
        assert str(caught.value)[0] not in "'\""


def test_a_number_is_not_a_name(server: isymphony.CoreServer) -> None:
    with pytest.raises(KeyError, match='write "4224"'):
        server.extensions[4224]  # type: ignore[index]


def test_unhashable_keys(server: isymphony.CoreServer) -> None:
    server.extensions["4224"]
    with pytest.raises((TypeError, KeyError)):
        server.extensions[[]]  # type: ignore[index]


def test_ambiguous_names(server: isymphony.CoreServer) -> None:
    extensions = server.extensions
    with pytest.raises(isymphony.Ambiguous, match="777") as caught:
        extensions["777"]
    assert isinstance(caught.value, LookupError)
    assert not isinstance(caught.value, KeyError)
    with pytest.raises(isymphony.Ambiguous):
        extensions.get("777")
    assert "777" not in extensions
    both = [extension for key, extension in extensions.items() if isinstance(key, uuid.UUID)]
    assert sorted(extension.display_name or "" for extension in both) == ["First", "Second"]
    for extension in both:
        assert extensions[extension.id] == extension


def test_ids_as_text(server: isymphony.CoreServer) -> None:
    (segment,) = server.call_segments.values()
    assert server.call_segments[str(segment.id)] == segment
    assert server.extensions.by_id(str(server.extensions["4224"].id)) is not None
    with pytest.raises(isymphony.InvalidArgument):
        server.extensions.by_id("4224")


def test_asking_changes_nothing(server: isymphony.CoreServer) -> None:
    before = (len(server.extensions), list(server.extensions))
    for number in list(server.extensions):
        server.extensions[number]
    server.extensions.get("not there")
    assert (len(server.extensions), list(server.extensions)) == before


def test_subclasses_of_str_are_keys_too(server: isymphony.CoreServer) -> None:
    class Name(str):
        pass

    assert server.extensions[Name("4224")] == server.extensions["4224"]


def test_iterators(server: isymphony.CoreServer) -> None:
    iterator = iter(server.extensions)
    first = next(iterator)
    assert [first, *iterator] == list(server.extensions)
    with pytest.raises(StopIteration):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


def test_facts(server: isymphony.CoreServer) -> None:
    assert repr(server.extensions) == "<ResourceMapping of 22 extensions>"
    assert server.extensions.kind == "Extension"
    assert server.extensions.is_known
    assert server.extensions.age is not None
    assert repr(isymphony.ResourceMapping[isymphony.Extension]).startswith("isymphony.ResourceMapping[")
