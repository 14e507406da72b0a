"""Parts of one computation, done wherever there is room: a job says what, and not where.

A part is a pure function of a project's files and of JSON, so it does not matter who computes it,
how often, or in which order: what comes back is the same bytes.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol


class NoRoom(Exception):
    """Nobody takes the parts that were not given back yet: whoever asked computes them."""


class Spread(Protocol):
    """Has parts done by other processes, of this machine or another; `width` at once, about."""

    @property
    def width(self) -> int: ...

    def map(
        self,
        function: str,
        parts: Sequence[Mapping[str, Any]],
        files: Sequence[str],
        own: Sequence[Sequence[str]] = (),
    ) -> Generator[Any, None, None]:
        """What `function(folder, part)` gives for each part, in their order, as it comes.

        `function` is "module:function", its values are JSON. `folder` holds copies of `files`,
        and of what a part has of its `own` besides, named relative to the project. Whoever has
        enough closes it: what is left then is not computed. Raises NoRoom, InputError for what a
        part raised.
        """
        ...
