"""The C reference, made from the comments of include/isymphony.h: `python docs/c_reference.py` prints it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

HEADER = Path(__file__).parent.parent / "include/isymphony.h"

GROUPS = {
    "isym_version": "Version",
    "isym_set": "Log",
    "isym_log_level": "Log",
    "isym_log_callback": "Log",
    "isym_metric": "isym_metrics",
    "isym_problem": "isym_health",
    "isym_state": "isym_live",
    "isym_request": "isym_requests",
    "isym_change": "isym_changes",
    "isym_change_kind": "isym_changes",
    "isym_source": "isym_snapshot",
    "isym_property_state": "isym_property",
    "isym_type": "isym_property",
    "isym_outcome": "isym_ticket",
}
"""Where a declaration stands that is not in the group of the type whose name its own begins with."""

ORDER = (
    "Version",
    "Constants",
    "isym_status",
    "isym_error",
    "isym_config",
    "isym_live",
    "isym_health",
    "isym_metrics",
    "isym_snapshot",
    "isym_list",
    "isym_resource",
    "isym_property",
    "isym_kind",
    "isym_core_server",
    "isym_user",
    "isym_user_status",
    "isym_login",
    "isym_extension",
    "isym_call_segment",
    "isym_queue",
    "isym_agent",
    "isym_statistics",
    "isym_conference_room",
    "isym_changes",
    "isym_watch",
    "isym_handle",
    "isym_args",
    "isym_ticket",
    "isym_str",
    "isym_text",
    "isym_texts",
    "isym_uuid",
    "isym_uuids",
    "Log",
    "isym_sandbox_config",
    "isym_sandbox",
    "isym_requests",
)
"""The order of the groups; others come after them."""


INTRODUCTION = """\
# C reference

Made from the comments of `isymphony.h` when this page is built. What holds for every function (who frees what, what
may be NULL, threads) stands once in the [conventions](c-conventions.md); the [quick start](start/c.md) has programs to
begin with. A function stands with the type whose name its own begins with.
"""


@dataclass
class Declaration:
    """One declaration of the header, with the comment before it."""

    name: str
    code: str
    comment: list[str] = field(default_factory=list)


def declarations(header: str) -> list[Declaration]:
    """What the header declares, in its order."""
    found: list[Declaration] = []
    comment: list[str] = []
    lines = iter(header[header.index("#include <stdint.h>") :].splitlines())
    for line in lines:
        if line.startswith("//"):
            comment.append(line.lstrip("/").strip())
        elif line.startswith("#define ISYM_"):
            found.append(Declaration(line.split()[1], line, comment))
            comment = []
        elif line.startswith(("#", "}", 'extern "C"')) or not line.strip():
            comment = []
        else:
            code = [line]
            end = "}" if line.endswith("{") else ";"
            while not (code[-1].startswith("}") if end == "}" else code[-1].endswith(";")):
                code.append(next(lines))
            found.append(Declaration(name_of(code), "\n".join(code), comment))
            comment = []
    return found


def name_of(code: list[str]) -> str:
    """The name that a declaration declares."""
    first, last = code[0], code[-1]
    if first.startswith("typedef") and "(*" in first:
        return first.split("(*")[1].split(")")[0]
    if first.startswith("typedef"):
        return last.rstrip(";").split()[-1].lstrip("} ")
    return first.split("(")[0].split()[-1].lstrip("*")


def group_of(declaration: Declaration, types: set[str]) -> str:
    """The heading under which a declaration stands."""
    name = declaration.name
    if name.startswith("ISYM_VERSION"):
        return "Version"
    if name.startswith("ISYM_"):
        return "Constants"
    if name in GROUPS:
        return GROUPS[name]
    owners = [known for known in types | GROUPS.keys() if name == known or name.startswith(f"{known}_")]
    owner = max(owners, key=len, default=name)
    # isym_user_status_of is what a user has; isym_user_status_name is what a status has.
    if name == "isym_user_status_of":
        owner = "isym_user"
    if name in ("isym_status_name", "isym_kind_name", "isym_kind_from_name"):
        owner = "_".join(name.split("_")[:2])
    return GROUPS.get(owner, owner)


def page(header: str) -> str:
    """The page, as Markdown."""
    found = declarations(header)
    homes = {declaration.name: declaration.name for declaration in found}
    for declaration in found:
        if declaration.code.startswith("typedef enum"):
            homes |= dict.fromkeys(re.findall(r"^    (ISYM_\w+) =", declaration.code, re.M), declaration.name)
    types = {declaration.name for declaration in found if declaration.code.startswith("typedef")}
    groups: dict[str, list[Declaration]] = {}
    for declaration in found:
        groups.setdefault(group_of(declaration, types), []).append(declaration)
    rank = {name: position for position, name in enumerate(ORDER)}
    out = [INTRODUCTION]
    for group in sorted(groups, key=lambda name: (rank.get(name, len(rank)), name)):
        members = groups[group]
        heading = group if group.istitle() else f"`{group}`"
        out += [f"## {heading} {{ #{group.lower()} }}", ""]
        for declaration in sorted(members, key=lambda member: member.name != group):
            if declaration.name != group:
                out += [f"### `{declaration.name}` {{ #{declaration.name} }}", ""]
            out += [*code(declaration.code), "", *prose(declaration, homes), ""]
    return "\n".join(out)


def code(text: str) -> list[str]:
    """A declaration as it is typed: without the tags that C does not need."""
    if not text.startswith(("typedef struct", "typedef enum")):
        text = re.sub(r"\b(?:struct|enum) (?=isym_)", "", text)
        first, *rest = text.splitlines()
        # The arguments stay below the first one.
        column = first.find("(") + 1
        text = "\n".join([first, *(" " * column + line.strip() for line in rest)])
    return ["```c", text, "```"]


def prose(declaration: Declaration, homes: dict[str, str]) -> list[str]:
    """The comment of a declaration, with links to what it names."""

    def link(match: re.Match[str]) -> str:
        name = match[0]
        home = homes.get(name, declaration.name)
        return f"`{name}`" if home == declaration.name else f"[`{name}`](#{home})"

    out = []
    for line in declaration.comment:
        parts = re.split(r"(`[^`]*`)", line)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(r"\b(?:isym|ISYM)_\w+", link, parts[i]).replace("*", r"\*").replace("<", "&lt;")
        out.append("".join(parts))
    return out


if __name__ == "__main__":
    sys.stdout.write(page(HEADER.read_text()))
