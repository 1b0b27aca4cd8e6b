"""``python -m isymphony``, and the command ``isymphony``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
