"""The board in a browser: one page, live over server-sent events, that can act.

The page's address holds a random token, which every request needs. It is bound to this machine unless told otherwise,
needs nothing from elsewhere, and may stand in a frame of another page.
"""

from .server import WebBoard, serve

__all__ = ["WebBoard", "serve"]
