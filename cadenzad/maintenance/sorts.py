"""What can be pruned, by the words that people say it with. Light: the command line names them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    What = Literal["logs", "exports", "adapters"]

WHAT: tuple[What, ...] = ("logs", "exports", "adapters")
"""Everything that can be pruned, in the order in which it is: a log while its export is there."""
