"""How much a goal resembles what was taught: what decides whether it is refused.

Nearness to the nearest taught goals alone takes "climb up the ladder" for "climb over the rubble".
So a linear probe is fitted beside it in the same adapted space, between the taught goals and
phrases that no walking robot's library has (outlier exposure, Hendrycks et al. 2019). It sees a
goal as a whole and, by itself, its opening, where the verb is. It is a ridge regression in closed
form: no seed, no epochs, the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.lora.model.encoders.base import Encoder, torch

PROBE_SHARE = 0.55
"""Share of the probe in a familiarity. Chosen by cross-validation over recorded goals."""
RIDGE = 0.005
OPENING = 2
"""Words of an opening."""
NEIGHBOURS = 2
KEPT = 0.04
"""The gate refuses this share of good goals that come for the first time ..."""
LET_IN = (0.03, 0.5)
"""... but lets in no less than the first and no more than the second share of foreign ones; the
first where fewer than FEW goals have another phrasing to learn from."""
FEW = 8
NO_PROBE = 0.42
"""The gate where nothing can be measured."""


def opening(spoken: str) -> str:
    """The first words of a goal, where its verb is."""
    return " ".join(spoken.split()[:OPENING])


def with_openings(encoder: Encoder, spoken: Sequence[str], whole: Any = None) -> Any:
    """[N, 2 width]: the vectors `whole` [N, width] of goals, and those of their openings."""
    vectors = encoder.encode(spoken) if whole is None else whole
    return torch().cat([vectors, encoder.encode([opening(goal) for goal in spoken])], 1)


def fit_probe(known: Any, foreign: Any) -> Any:
    """[2 width + 1] weights and bias: about +1 for `known` [N, 2 width], -1 for `foreign`.

    Both sides weigh the same however many there are.
    """
    module = torch()
    sides = [(known, 1.0), (foreign, -1.0)]
    # each row times the root of its weight, so that this is ordinary least squares
    x = module.cat([_with_one(side) / len(side) ** 0.5 for side, _ in sides])
    y = module.cat([module.full((len(s),), sign / len(s) ** 0.5).double() for s, sign in sides])
    rows, columns = x.shape
    if rows < columns:  # the same weights from the smaller system
        return x.T @ module.linalg.solve(x @ x.T + RIDGE * module.eye(rows).double(), y)
    return module.linalg.solve(x.T @ x + RIDGE * module.eye(columns).double(), x.T @ y)


def familiarity(vectors: Any, known: Any, probe: Any) -> Any:
    """[B] from about 0 (nothing like it) to 1, for `vectors` [B, 2 width], or [B, width] without a
    probe.

    Of the nearest `known` ones [N, width] the mean cosine, blended with the probe's answer where
    there is one.
    """
    module = torch()
    width = known.shape[1]
    count = min(NEIGHBOURS, len(known))
    near = (vectors[:, :width] @ known.T).topk(count, dim=1).values.mean(1)
    if probe is None:
        return near
    answer = (_with_one(vectors) @ probe).clamp(-1, 1).float()
    return module.lerp(near, (1 + answer) / 2, PROBE_SHARE).clamp(0, 1)


def threshold(good: Sequence[float], foreign: Sequence[float]) -> float:
    """The least familiarity that is not refused, from that of goals that came for the first time:
    phrasings of what was taught, and foreign ones.
    """
    highest, lowest = (_quantile(foreign, 1 - share) for share in LET_IN)
    if len(good) < FEW:
        return highest
    wanted = _quantile(good, KEPT)
    return min(max(wanted, lowest), highest) if foreign else wanted


def _quantile(values: Sequence[float], share: float) -> float:
    if not values:
        return NO_PROBE
    return round(float(torch().quantile(torch().tensor(list(values)), share)), 4)


def _with_one(vectors: Any) -> Any:
    module = torch()
    return module.cat([vectors.double(), module.ones(len(vectors), 1).double()], 1)
