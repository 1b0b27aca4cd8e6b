"""An embedded server of the Live API, to try this library on and to test programs with.

>>> from isymphony.sandbox import Sandbox
>>> with Sandbox(users=5) as sandbox:
...     with isymphony.connect(sandbox.url) as live:
...         len(live.snapshot().core_servers["default"].users)
5
"""

from ._isymphony import Sandbox, SandboxCoreServer, SandboxRequest

__all__ = ["Sandbox", "SandboxCoreServer", "SandboxRequest"]
