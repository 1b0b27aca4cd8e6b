"""For the Python reference: the docstrings of the native module, put to what its stubs declare."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import griffe

NATIVE = "isymphony._isymphony"


class Docstrings(griffe.Extension):
    """Griffe reads the stubs, which have the types; the docstrings are in the built module."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        if pkg.path == NATIVE.partition(".")[0]:
            add(pkg["_isymphony"], importlib.import_module(NATIVE))


def add(declared: griffe.Object, built: Any) -> None:
    """Gives an object of the stubs, and what is in it, the docstrings of what was built."""
    for name, member in declared.members.items():
        if member.is_alias or name.startswith("_") or not hasattr(built, name):
            continue
        real = inspect.getattr_static(built, name)
        if member.docstring is None and (text := inspect.getdoc(real)):
            member.docstring = griffe.Docstring(text, parent=member)
        if member.is_class:
            add(member, getattr(built, name))
            show_constructor(member)


def show_constructor(declared: griffe.Object) -> None:
    """The signature of `__new__` as that of `__init__`, which is the one that is shown."""
    new = declared.members.get("__new__")
    if isinstance(new, griffe.Function):
        own, *parameters = new.parameters
        own.name = "self"
        init = griffe.Function("__init__", parameters=griffe.Parameters(own, *parameters), parent=declared)
        declared.set_member("__init__", init)
