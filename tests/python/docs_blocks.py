"""The fenced blocks of the documentation's pages. `tests/docs/README.md` says how they are run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "pbx:58080"

COMMENT = re.compile(r"<!-- (not run|needs): *(.*?) *-->")


@dataclass
class Block:
    """One fenced block."""

    language: str
    line: int
    """The line of the page that its first line is, counted from 1."""
    code: str
    first: str = ""
    """What is run before it."""
    needs: str | None = None
    """What the project must have for it to run."""
    is_run: bool = True

    @property
    def padded(self) -> str:
        """The code behind as many empty lines as the page has before it."""
        return "\n" * (self.line - 1) + self.code


@dataclass
class Page:
    """A page of the documentation."""

    path: str
    blocks: list[Block]

    def of(self, language: str) -> list[Block]:
        """The blocks of a language that are run."""
        return [block for block in self.blocks if block.language == language and block.is_run]


def pages() -> list[Page]:
    """All pages of the project."""
    paths = [ROOT / "README.md", ROOT / "include/README.md", *(ROOT / "docs").rglob("*.md")]
    return [read(path) for path in sorted(paths)]


def read(path: Path) -> Page:
    """A page, with its blocks."""
    blocks: list[Block] = []
    waiting = Block("", 0, "")
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        inside = line.strip()
        if inside.startswith("```"):
            waiting.language, waiting.line = inside[3:].strip(), number + 1
            code = []
            for _, text in lines:
                if text.strip() == "```":
                    break
                code.append(text)
            waiting.code = "\n".join(code)
            blocks.append(waiting)
            waiting = Block("", 0, "")
        elif inside.startswith("<!-- first:"):
            first = []
            for _, text in lines:
                if text == "-->":
                    break
                first.append(text)
            waiting.first = "\n".join(first)
        elif comment := COMMENT.fullmatch(inside):
            assert comment[2], f"{path}:{number}: say why, or what"
            if comment[1] == "needs":
                waiting.needs = comment[2]
            else:
                waiting.is_run = False
        elif inside:
            waiting = Block("", 0, "")
    return Page(str(path.relative_to(ROOT)), blocks)
