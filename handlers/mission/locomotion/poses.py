"""The pose actions as keyframes: what each one does with the trunk and the feet.

A key's numbers are a posture: seconds, metres over and along where the feet stand, radians of pitch
(nose down is positive), and for feet in the air their place from the leg. They were set by how the
pose looks and hold within Go1's joints; what they keep to is said beside them. Each key takes long
enough for the trunk to follow without a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handlers.mission.locomotion.gait import Walker
from handlers.mission.locomotion.keyframes import Key, Keyframes
from handlers.mission.locomotion.moves import Chain, Jump, Rise, Upright
from handlers.mission.locomotion.skill import Call, Skill
from handlers.mission.world.leg import Vec

FR, FL, RR, RL = range(4)

REACH_MAX = 1.2
"""How far `extension` takes a pose, as a factor: further, and the joints are at their limits."""

OFF_RIGHT_M = 0.045
"""How far the trunk leans to the left before a right foot lifts off, m: far enough for its weight
to be over the three that stand (a foot stands 13 cm out)."""

TOUCHING_M = -0.235
"""Where a foot in the air is put down, below its hip, m: just over the ground with the trunk at 26
cm and leaning."""


def _repeat(call: Call, build: Callable[[], Skill]) -> list[Skill]:
    return [build() for _ in range(max(1, call.repeat))]


def _stand(walker: Walker, call: Call) -> Skill:
    hold = (call.duration_s or 1.0) * max(1, call.repeat)
    keys = [Key(0.4), Key(max(hold - 0.4, 0.1) * call.speed)]
    return Upright(walker, Keyframes(walker, keys, call.speed))


def _stand_up(walker: Walker, call: Call) -> Skill:
    return Chain([Rise(walker, call.speed), Keyframes(walker, [Key(call.duration_s or 0.4)])])


def _sit(walker: Walker, call: Call) -> Skill:
    # Back and nose up by 36 degrees over the rear feet, in two steps so that it does not rock back.
    reach = min(call.extension, REACH_MAX)
    pose = Key(0.8, height=0.205, along=-0.12 * reach, pitch=-0.62 * reach)
    keys = [
        Key(0.8, height=0.24, along=-0.06, pitch=-0.3),
        pose,
        replace(pose, seconds=(call.duration_s or 1.0) * call.speed),
    ]
    return Upright(walker, Keyframes(walker, keys, call.speed))


def _lie_down(walker: Walker, call: Call) -> Skill:
    # Slowly onto the belly, which is 5.5 cm under the trunk's middle, with the legs still folded.
    hold = (call.duration_s or 0.6) * call.speed
    keys = [Key(1.2, height=0.085), Key(hold, height=0.075)]
    return Keyframes(walker, keys, call.speed)


def _rear_up(walker: Walker, call: Call) -> Skill:
    # The trunk goes 20 cm back, over the rear feet (19 cm behind its middle): the front ones are
    # free.
    reach = min(call.extension, REACH_MAX)
    down: Vec = (0.10, 0.0, -0.20)
    high: Vec = (0.14, 0.0, -0.14)
    up, low = {FR: high, FL: high}, {FR: down, FL: down}
    back = Key(0.5, height=0.21, along=-0.20, pitch=-0.75 * reach, lifted=up)
    keys = [
        Key(0.7, height=0.24, along=-0.08, pitch=-0.3),
        Key(0.6, height=0.20, along=-0.16, pitch=-0.6),
        back,
        replace(back, seconds=(call.duration_s or 0.6) * call.speed),
        Key(0.6, height=0.19, along=-0.18, pitch=-0.5, lifted=low),
    ]
    return Upright(
        walker, Chain([*_repeat(call, lambda: Keyframes(walker, keys, call.speed)), Rise(walker)])
    )


def _shake_hand(walker: Walker, call: Call) -> Skill:
    # Back and to the left, onto the other three; then the foot goes out, and four times up and
    # down.
    reach = min(call.extension, REACH_MAX)
    lean = Key(0.6, along=-0.07, left=OFF_RIGHT_M, pitch=-0.12, height=0.26)
    out: Vec = (0.18 * reach, 0.0, -0.10)
    low: Vec = (0.18 * reach, 0.0, -0.16)
    held = replace(lean, seconds=call.duration_s * call.speed, lifted={FR: out})
    hold = [held] if call.duration_s else []
    shakes = [replace(lean, seconds=0.25, lifted={FR: low if n % 2 else out}) for n in range(4)]
    keys = [
        lean,
        replace(lean, seconds=0.5, lifted={FR: out}),
        *shakes * max(1, call.repeat),
        *hold,
        replace(lean, seconds=0.5, lifted={FR: (0.03, 0.0, TOUCHING_M)}),
    ]
    return Upright(walker, Chain([Keyframes(walker, keys, call.speed), _square(walker)]))


def _rear_kick(walker: Walker, call: Call) -> Skill:
    # Forward and to the left, onto the other three; then the foot is tucked and kicked back,
    # quickly.
    reach = min(call.extension, REACH_MAX)
    lean = Key(0.6, along=0.07, left=OFF_RIGHT_M, pitch=0.08, height=0.26)
    tucked: Vec = (0.0, 0.0, -0.15)
    kicked: Vec = (-0.26 * reach, 0.0, -0.16)
    keys = [
        lean,
        replace(lean, seconds=0.4, lifted={RR: tucked}),
        *[
            replace(lean, seconds=seconds, lifted={RR: place})
            for _ in range(max(1, call.repeat))
            for seconds, place in ((0.2, kicked), (0.3, tucked))
        ],
        replace(lean, seconds=0.4, lifted={RR: (0.0, 0.0, TOUCHING_M)}),
    ]
    return Upright(walker, Chain([Keyframes(walker, keys, call.speed), _square(walker)]))


def _square(walker: Walker) -> Skill:
    """Back to standing straight."""
    return Keyframes(walker, [Key(0.6)])


def _jump(walker: Walker, call: Call) -> Skill:
    jumps = _repeat(call, lambda: Jump(walker, call.extension))
    return Upright(walker, Chain([*jumps, _square(walker)]))


TABLE: dict[str, Callable[[Walker, Call], Skill]] = {
    "stand": _stand,
    "stand_up": _stand_up,
    "sit": _sit,
    "lie_down": _lie_down,
    "jump": _jump,
    "rear_up": _rear_up,
    "shake_hand": _shake_hand,
    "rear_kick": _rear_kick,
}
