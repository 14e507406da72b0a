"""One error budget for all trials of a project's life, and seeds that decide once.

Of all the rewrites a project ever tries, however many, with probability 1 - ALPHA not one that does
not help is called "improved". Decision k may spend ALPHA / (k (k + 1)); summed over all k that is
ALPHA, and after k of them ALPHA / (k + 1) is left. A decision that did say "improved" spent nothing
if it was right, so the next one has its level in addition (the online fallback procedure: Tian and
Ramdas, "Online control of the familywise error rate", Statistical Methods in Medical Research 30
(2021); it holds however the decisions depend on each other).

How many decisions there were is what the event log says (PromptTried). Where the project's own
versions tell of more, the log was lost or is another one: the count goes on from theirs, and that
is said.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from store.reads.improvements import TrialsRow

ALPHA = 0.05
"""The chance that any trial of a project's life says "improved" of a prompt that is no better."""
SEEDS = 4096
"""Seeds a decision has for its pairs, and as many to choose among candidates before."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a decision may use.

    `decision`: its number, from 1. `level`: its share of ALPHA. `first_seed`: SEEDS seeds from
    there on are for the pairs that decide, those after them to choose a candidate.
    `remark`: what people should know of the count; "" for nothing.
    """

    decision: int
    level: float
    first_seed: int
    remark: str = ""

    @property
    def search_seed(self) -> int:
        return self.first_seed + SEEDS


def spendable(decision: int) -> float:
    """The share of ALPHA that a decision has of its own."""
    return ALPHA / (decision * (decision + 1))


def next_budget(so_far: TrialsRow, on_disk: int, identity: str) -> Budget:
    """The budget of the next decision.

    `so_far`: what the log has of earlier ones; `on_disk`: the last decision that the versions
    beside the prompt tell of, 0 for none; `identity`: of the log and the two prompts.
    """
    decision, remark = max(so_far.decisions, on_disk) + 1, ""
    level = spendable(decision)
    if on_disk > so_far.decisions:
        remark = f"the event log knows {so_far.decisions} earlier trials, the versions on disk"
        remark += f" {on_disk}: counted on from theirs"
    elif so_far.improved:
        level += so_far.level
    return Budget(decision, level, _first_seed(decision, identity), remark)


def _first_seed(decision: int, identity: str) -> int:
    """Below 2**53, as JSON's numbers are exact to there.

    Two decisions of one log never share a seed, whatever the hash: the decision's number has bits
    of its own. The hash keeps those of other projects and of a log that was lost apart.
    """
    salt = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:3])
    block = salt << 16 | decision % 2**16
    return block * 2 * SEEDS
