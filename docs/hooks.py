"""What the site has beside the pages in docs/: pages made from other files of the project, when it is built."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import c_reference  # noqa: E402

FOREIGN = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
"""What a browser would fetch from another host."""


def on_files(files: Files, *, config: Any) -> Files:
    """Add the generated pages."""
    pages = {
        "c-api.md": c_reference.page((ROOT / "include/isymphony.h").read_text()),
        "c-conventions.md": (ROOT / "include/README.md").read_text(),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """The site works without any other host."""
    if found := FOREIGN.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from another host: {found[0]}")
    return output
