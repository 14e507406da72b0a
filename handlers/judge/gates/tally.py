"""What pairs of simulated missions say of two prompts, taken in pair by pair.

A pair is one seed. Its *gain* is how many phases more the new prompt completed, success being one
more, at most two either way, halved: a number in [-1, 1]. Capped, because to be sure of a mean
takes the longer the larger its rarest values may be; at two, so that a mission that is won or lost
counts whole however many phases it has.

- improved: gains are above 0 on average, at the level of the decision. This alone spends it.
- no_worse, where a *margin* is given: gains are above -margin on average, at that level. It is
  asked of a prompt with a rule taken out: the rule is worth less than the margin, if anything.
- worse: gains are below 0 on average, or some phase is done less often, or falls per phase reached
  are more frequent. All of these together are said of a prompt that is no worse with at most HARM.
- hopeless: FUTILE_TIES pairs in a row are equal, so that hardly any pair ever differs; or a mean
  gain of WORTHWHILE is refuted (with a margin: that there is no loss). It is given up early then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from handlers.judge.gates.betting import Bets

HARM = 0.05
"""The chance that a prompt that is no worse is called so, by any of the ways in which it may be."""
WORTHWHILE = 0.1
"""A mean gain below this is not waited for: +10 points of success, or a phase every fifth run."""
FUTILE = 0.2
"""The chance that a prompt with just that gain is given up."""
FUTILE_TIES = 16
"""At +20 points of success a fifth of the pairs differ at least: so many ties are 0.8^16 = 3%."""

MARGIN = WORTHWHILE
"""What a rule must be worth to stay: as much as a new one must be worth to be waited for."""

Decided = Literal["improved", "no_worse", "worse", "not_improved"]
Verdict = Decided | Literal["unverified"]
"""`unverified`: it was not tried."""


@dataclass(frozen=True, slots=True)
class Drive:
    """One simulated mission. `phases`: those that were done, by name; `reached`: how many began."""

    seed: int
    success: bool
    phases: tuple[str, ...]
    falls: int
    reached: int = 1

    @property
    def score(self) -> int:
        """Phases done, and one more for success."""
        return len(self.phases) + self.success

    @property
    def fall_rate(self) -> float:
        """Falls per phase reached, r, as r / (1 + r): in [0, 1), so that it can be bet on."""
        return self.falls / (self.falls + max(1, self.reached))


def gain(before: Drive, after: Drive) -> float:
    """How much better the second of a pair did, in [-1, 1]."""
    return max(-2, min(2, after.score - before.score)) / 2


@dataclass(slots=True)
class Tally:
    """Pairs as they come in. `level`: what "improved" (with a margin: "no_worse") may spend;
    `names`: the mission's phases."""

    level: float
    names: Sequence[str]
    margin: float = 0.0
    won: int = 0
    lost: int = 0
    tied: int = 0
    before: list[Drive] = field(default_factory=list)
    after: list[Drive] = field(default_factory=list)
    gains: Bets = field(default_factory=Bets)
    _losses: Bets = field(default_factory=Bets)
    _small: Bets = field(default_factory=Bets)
    _falls: Bets = field(default_factory=Bets)
    _phases: dict[str, Bets] = field(default_factory=dict)
    _equal: int = 0

    def __post_init__(self) -> None:
        self._phases = {name: Bets() for name in self.names}

    @property
    def pairs(self) -> int:
        return len(self.before)

    def add(self, before: Drive, after: Drive) -> None:
        """Take in a pair, both driven with the same seed."""
        self.before.append(before)
        self.after.append(after)
        gained = gain(before, after)
        self.won += gained > 0
        self.lost += gained < 0
        self.tied += gained == 0
        self.gains.add((gained + self.margin) / (1 + self.margin))
        self._losses.add(-gained)
        hoped = 0.0 if self.margin else WORTHWHILE
        self._small.add((hoped - gained) / (1 + hoped))
        self._falls.add(after.fall_rate - before.fall_rate)
        for name, bets in self._phases.items():
            bets.add((name in before.phases) - (name in after.phases))
        is_equal = gained == 0 and before.phases == after.phases and before.falls == after.falls
        self._equal = self._equal + 1 if is_equal else 0

    @property
    def harm(self) -> str:
        """In which way the new prompt is shown to be worse; "" for none."""
        if self._losses.shows(HARM / 2):
            return "worse"
        share = HARM / 2 / (len(self._phases) + 1)
        for name, bets in self._phases.items():
            if bets.shows(share):
                return f"phase {name} is done less often"
        return "falls per phase reached are more frequent" if self._falls.shows(share) else ""

    @property
    def hopeless(self) -> str:
        """Why no further pair is worth driving; "" while one is."""
        if self._equal >= FUTILE_TIES and not self.margin:
            return f"it changes nothing in {self._equal} pairs in a row"
        if self._small.shows(FUTILE):
            if self.margin:
                return "that it loses nothing is refuted"
            return f"a gain of {100 * WORTHWHILE:.0f} points or more is refuted"
        return ""

    @property
    def decided(self) -> Decided | None:
        """The verdict once there is one; None while another pair may bring it."""
        if self.harm:
            return "worse"
        if self.gains.shows(self.level):
            return "no_worse" if self.margin else "improved"
        return "not_improved" if self.hopeless else None

    def detail(self) -> str:
        """The pairs in words."""
        numbers = self.numbers()
        return (
            f"{self.won} pairs won, {self.lost} lost, {self.tied} tied;"
            f" phases done {numbers['phases_before']:g} -> {numbers['phases_after']:g},"
            f" falls per phase reached {numbers['fall_rate_before']:.2f} ->"
            f" {numbers['fall_rate_after']:.2f}"
        )

    def numbers(self) -> dict[str, float]:
        """The pairs in numbers; `evidence` is the e-value reached, `needed` what it takes."""
        sides = {"before": self.before, "after": self.after}
        found: dict[str, float] = {
            "pairs": self.pairs,
            "won": self.won,
            "lost": self.lost,
            "tied": self.tied,
            "evidence": round(self.gains.peak, 4),
            "needed": round(1 / self.level, 4),
        }
        for side, drives in sides.items():
            reached = sum(max(1, drive.reached) for drive in drives)
            falls = sum(drive.falls for drive in drives)
            done = Counter(name for drive in drives for name in drive.phases)
            found[f"phases_{side}"] = done.total()
            found[f"succeeded_{side}"] = sum(drive.success for drive in drives)
            found[f"falls_{side}"] = falls
            found[f"fall_rate_{side}"] = round(falls / reached, 4) if reached else 0.0
        return found
