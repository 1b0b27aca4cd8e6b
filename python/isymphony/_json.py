"""JSON of the server as Python objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal


def loads(text: str) -> Any:
    """What ``json.loads`` makes of it; a whole number of more digits than ``int`` reads is a ``decimal.Decimal``.

    ``int`` reads no more digits than ``sys.get_int_max_str_digits()``; a ``Decimal`` keeps every one of them.
    """
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=_whole_number)


def _whole_number(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        from decimal import Decimal

        return Decimal(digits)
