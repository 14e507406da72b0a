"""What a model is made of: its trunk, legs, feet and weight, found by structure and never by name.

A robot is a body with a free joint and four chains of three hinge joints, the first about the
trunk's x and the others about its y; its x points forward. Front and rear, left and right are told
by where the hips are; signs, zeros and lengths by how the model lies with its joints as the XML has
them. What does not fit is one line that says what was found instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import atan2, cos, hypot, inf, pi, sin
from typing import Any

from handlers.mission.world.body import Body
from handlers.mission.world.leg import LEGS, Leg, Range, Vec
from store.errors import InputError

ALIGNED = 0.05
"""How far an axis may point beside the one it is taken for (sine of the angle): 3 degrees."""

BENT_RAD = 0.1
"""A knee bent by less says nothing of which way it bends."""

FOLDED_RAD, STRAIGHT_RAD = 2.8, 0.1
"""How far a knee bends at most and at least where the model has no limit, rad: further, the calf
would be in the thigh, and straighter, the foot could not be moved sideways any more."""

NO_LIMIT = pi
"""And the other joints, rad."""

HINT = (
    "the controller drives robots on a free joint with four legs of three hinge joints: hip about"
    " the trunk's x (forward), thigh and calf about y"
)

FREE, HINGE = 0, 3
"""mujoco.mjtJoint.mjJNT_FREE and mjJNT_HINGE."""


@dataclass(frozen=True, slots=True)
class Foot:
    """What a leg stands on: its geom, that one's body, and the ball's middle in the body, m."""

    geom: int
    body: int
    middle: Vec
    radius: float


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Ids of the model it was read from; legs FR, FL, RR, RL, joints hip, thigh, calf of each."""

    trunk: int
    joints: tuple[int, ...]
    feet: tuple[Foot, Foot, Foot, Foot]
    body: Body


def read(mj: Any, model: Any, where: str) -> Anatomy:
    """The robot in a compiled model. `where` names it in messages.

    Raises InputError: which of a quadruped's parts is not there, or not as it would have to be.
    """
    data = mj.MjData(model)
    mj.mj_kinematics(model, data)
    free = [j for j in range(model.njnt) if model.jnt_type[j] == FREE]
    hinged = any(model.jnt_type[j] == HINGE for j in range(model.njnt))
    if not hinged:
        raise InputError(f"{where}: no robot: the model has no hinge joint", hint=HINT)
    if not free:
        hint = "give its trunk a <freejoint/>, or it cannot go anywhere"
        raise InputError(f"{where}: the robot is fixed to the world", hint=hint)
    found = [(int(model.jnt_bodyid[j]), _chains(model, int(model.jnt_bodyid[j]))) for j in free]
    robots = [(trunk, chains) for trunk, chains in found if chains]
    if len(robots) != 1:
        names = ", ".join(_name(model.body(trunk)) for trunk, _ in robots) or "none"
        raise InputError(
            f"{where}: {len(robots)} bodies with a free joint and hinge joints under it"
            f" ({names}), not one",
            hint=HINT,
        )
    trunk, chains = robots[0]
    view = _View(model, data, trunk, where)
    ordered = _ordered([view.leg(chain) for chain in _legs(model, chains, where)], where)
    body = _weighed(mj, view, ordered)
    feet = tuple(leg.foot for leg in ordered)
    return Anatomy(trunk, tuple(j for leg in ordered for j in leg.joints), feet, body)  # type: ignore[arg-type]


# -- chains ----------------------------------------------------------------------------------------


def _chains(model: Any, trunk: int) -> list[list[int]]:
    """The hinge joints under a body, by chain: from the trunk outward to each last one."""
    behind: dict[int, list[int]] = {}  # body -> joints between the trunk and it, its own included
    last: dict[int, bool] = {}
    for body in range(trunk + 1, model.nbody):
        parent = int(model.body_parentid[body])
        if parent != trunk and parent not in behind:
            continue
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        own = list(range(first, first + count)) if count else []
        behind[body] = behind.get(parent, []) + own
        for joint in behind.get(parent, []) if own else []:
            last[joint] = False
        for joint in own:
            last[joint] = joint == own[-1]
    ends = {chain[-1]: chain for chain in behind.values() if chain and last[chain[-1]]}
    return list(ends.values())


def _legs(model: Any, chains: Sequence[list[int]], where: str) -> list[list[int]]:
    """The four chains of three joints; more joints elsewhere (an arm, a head) are no legs."""
    of_three = [chain for chain in chains if len(chain) == 3]
    if len(of_three) == 4:
        for chain in of_three:
            for joint in chain:
                if model.jnt_type[joint] != HINGE:
                    raise InputError(
                        f"{where}: joint {_name(model.joint(joint))} is no hinge", hint=HINT
                    )
        return of_three
    sizes = sorted({len(chain) for chain in chains})
    told = ", ".join(
        f"{sum(len(chain) == size for chain in chains)} of {size}"
        f" ({_name(model.joint(next(c[0] for c in chains if len(c) == size)))} ..)"
        for size in sizes
    )
    raise InputError(
        f"{where}: not four legs of three joints; chains of joints found: {told}", hint=HINT
    )


def _name(thing: Any) -> str:
    return repr(thing.name) if thing.name else f"number {thing.id}"


# -- one leg ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    leg: Leg
    joints: list[int]
    foot: Foot


class _View:
    """A model as it lies with its joints as the XML has them, seen from the trunk."""

    def __init__(self, model: Any, data: Any, trunk: int, where: str) -> None:
        self.model, self.data, self.trunk, self.where = model, data, trunk, where
        self.frame = data.xmat[trunk].reshape(3, 3)

    def place(self, point: Any) -> Any:
        return self.frame.T @ (point - self.data.xpos[self.trunk])

    def leg(self, joints: list[int]) -> _Found:
        """The leg of a chain hip, thigh, calf. Raises InputError when its axes are not a leg's."""
        model, data = self.model, self.data
        hip, thigh, knee = (self.place(data.xanchor[j]) for j in joints)
        axes = [self.frame.T @ data.xaxis[j] for j in joints]
        foot = self._foot(joints[2], data.xanchor[joints[2]])
        middle = self.place(data.xpos[foot.body] + data.xmat[foot.body].reshape(3, 3) @ foot.middle)
        self._check(joints, axes)
        # Seen along x at this hip angle: `out` is sideways to the leg's plane, `down` along it.
        signs = [1.0 if axes[0][0] > 0 else -1.0, 1.0 if axes[1][1] > 0 else -1.0]
        signs.append(signs[1] if axes[2] @ axes[1] > 0 else -signs[1])
        hip_angle = atan2(signs[1] * axes[1][2], signs[1] * axes[1][1])
        c, s = cos(hip_angle), sin(hip_angle)

        def out(v: Any) -> float:
            return float(c * v[1] + s * v[2])

        def down(v: Any) -> float:
            return float(s * v[1] - c * v[2])

        upper, lower = knee - thigh, middle - knee
        thigh_angle = atan2(-upper[0], down(upper))
        calf_angle = _wrapped(atan2(-lower[0], down(lower)) - thigh_angle)
        angles = (hip_angle, thigh_angle, calf_angle)
        zeros = [
            float(model.qpos0[model.jnt_qposadr[j]]) - sign * angle
            for j, sign, angle in zip(joints, signs, angles, strict=True)
        ]
        widest = (NO_LIMIT / 2, NO_LIMIT, inf)
        limits = [
            self._range(joint, sign, zero, most)
            for joint, sign, zero, most in zip(joints, signs, zeros, widest, strict=True)
        ]
        bends = self._knee(joints[2], signs[2], zeros[2], limits[2], calf_angle)
        limits[2] = _one_way(limits[2], bends)
        leg = Leg(
            hip=_rounded((thigh[0], hip[1], hip[2])),
            offset=_micro(out(thigh - hip) + out(upper) + out(lower)),
            rise=_micro(-down(thigh - hip)),
            thigh=_micro(hypot(upper[0], down(upper))),
            calf=_micro(hypot(lower[0], down(lower))),
            knee=bends,
            foot_radius=_micro(foot.radius),
            ranges=(limits[0], limits[1], limits[2]),
            signs=(signs[0], signs[1], signs[2]),
            zeros=_rounded(zeros),
        )
        return _Found(leg, joints, foot)

    def _check(self, joints: list[int], axes: list[Any]) -> None:
        aside = (hypot(axes[0][1], axes[0][2]), abs(axes[1][0]), abs(axes[2][0]))
        parallel = abs(float(axes[1] @ axes[2]))
        for joint, axis, off, wanted in zip(joints, axes, aside, "xyy", strict=True):
            if off > ALIGNED or (wanted == "y" and parallel < 1.0 - ALIGNED):
                told = " ".join(f"{value:.2f}" for value in axis)
                raise InputError(
                    f"{self.where}: joint {_name(self.model.joint(joint))} turns about ({told}) of"
                    f" the trunk's frame, not about its {wanted}",
                    hint=HINT,
                )

    def _range(self, joint: int, sign: float, zero: float, widest: float) -> Range:
        """Limits of the angle that the controller uses, rad."""
        if not self.model.jnt_limited[joint]:
            return -widest, widest
        low, high = sorted(sign * (float(end) - zero) for end in self.model.jnt_range[joint])
        return round(low, 3), round(high, 3)

    def _knee(self, joint: int, sign: float, zero: float, limits: Range, as_drawn: float) -> float:
        """Which way it bends: as its limits allow, else as the first keyframe or the XML has it."""
        low, high = limits
        if high <= BENT_RAD or low >= -BENT_RAD:
            return -1.0 if high <= BENT_RAD else 1.0
        if self.model.nkey:
            at = self.model.key_qpos[0][self.model.jnt_qposadr[joint]]
            as_drawn = sign * (float(at) - zero)
        return 1.0 if as_drawn > BENT_RAD else -1.0

    def _foot(self, calf: int, knee: Any) -> Foot:
        """The geom that reaches furthest from the knee, as a ball at its end."""
        found = [self._ball(geom, knee) for geom in self._below(calf)]
        if not found:
            raise InputError(
                f"{self.where}: nothing below joint {_name(self.model.joint(calf))} can touch the"
                " ground: all its geoms have contype and conaffinity 0",
                hint='give the foot a geom, as <geom type="sphere" size="0.02" pos="0 0 -0.21"/>',
            )
        return max(found, key=lambda pair: pair[0])[1]

    def _below(self, joint: int) -> Iterator[int]:
        model = self.model
        bodies = {int(model.jnt_bodyid[joint])}
        for body in range(min(bodies) + 1, model.nbody):
            if int(model.body_parentid[body]) in bodies:
                bodies.add(body)
        for geom in range(model.ngeom):
            touches = model.geom_contype[geom] or model.geom_conaffinity[geom]
            if int(model.geom_bodyid[geom]) in bodies and touches:
                yield geom

    def _ball(self, geom: int, knee: Any) -> tuple[float, Foot]:
        """How far a geom reaches from the knee, m, and the ball that its box ends in there.

        Exact for spheres and for capsules along the leg; other shapes are taken by their box.
        """
        model, data = self.model, self.data
        frame, at = data.geom_xmat[geom].reshape(3, 3), data.geom_xpos[geom]
        box, half = model.geom_aabb[geom][:3], model.geom_aabb[geom][3:]
        away = frame.T @ (at + frame @ box - knee)
        axis = int(abs(away).argmax())
        radius = float(half.min())
        middle = box.copy()
        middle[axis] += (1.0 if away[axis] > 0 else -1.0) * (half[axis] - radius)
        world = at + frame @ middle
        body = int(model.geom_bodyid[geom])
        local = data.xmat[body].reshape(3, 3).T @ (world - data.xpos[body])
        reach = float(((world - knee) @ (world - knee)) ** 0.5) + radius
        return reach, Foot(geom, body, _rounded(local), radius)


def _one_way(limits: Range, knee: float) -> Range:
    """Of a knee's limits those that bend it one way, between straight and folded, rad."""
    low, high = limits
    if knee < 0:
        return max(low, -FOLDED_RAD) if low == -inf else low, min(high, -STRAIGHT_RAD)
    return max(low, STRAIGHT_RAD), min(high, FOLDED_RAD) if high == inf else high


def _wrapped(angle: float) -> float:
    return atan2(sin(angle), cos(angle))


def _micro(value: float) -> float:
    """Rounded to a micrometre: what the compiler's arithmetic makes of a length is no geometry."""
    return round(float(value), 6) + 0.0


def _rounded(values: Any) -> Vec:
    x, y, z = (_micro(value) for value in values)
    return x, y, z


# -- the four of them ------------------------------------------------------------------------------


def _ordered(legs: Sequence[_Found], where: str) -> list[_Found]:
    """FR, FL, RR, RL by where the hips are. Raises InputError unless each corner has one."""
    by_x = sorted(legs, key=lambda found: -found.leg.hip[0])
    ordered = [
        found
        for pair in (by_x[:2], by_x[2:])
        for found in sorted(pair, key=lambda found: found.leg.track)
    ]
    for found, name in zip(ordered, LEGS, strict=True):
        wanted = 1.0 if name[1] == "L" else -1.0
        if found.leg.track * wanted <= 0.0 or found.leg.side != wanted:
            told = " ".join(f"({f.leg.hip[0]:.2f}, {f.leg.hip[1]:.2f})" for f in ordered)
            raise InputError(
                f"{where}: the hips are not at the trunk's four corners: x, y = {told} m", hint=HINT
            )
    if ordered[1].leg.hip[0] <= ordered[2].leg.hip[0]:
        raise InputError(f"{where}: the front hips are not ahead of the rear ones", hint=HINT)
    return ordered


def _weighed(mj: Any, view: _View, legs: Sequence[_Found]) -> Body:
    """Mass, and where it acts with the robot standing."""
    model, data, trunk = view.model, view.data, view.trunk
    mass = round(float(model.body_subtreemass[trunk]), 3)
    if not mass > 0:
        raise InputError(f"{view.where}: the robot weighs {mass} kg")
    fr, fl, rr, rl = (found.leg for found in legs)
    body = Body((fr, fl, rr, rl), mass, 0.0)
    if model.nkey:  # what is no leg (an arm) stays as the first keyframe has it
        data.qpos[:] = model.key_qpos[0]
    angles = body.straight_legs(body.stand_height)
    for at, found in enumerate(legs):
        for index, joint in enumerate(found.joints):
            value = found.leg.signs[index] * angles[3 * at + index] + found.leg.zeros[index]
            data.qpos[model.jnt_qposadr[joint]] = value
    mj.mj_kinematics(model, data)
    mj.mj_comPos(model, data)
    return Body((fr, fl, rr, rl), mass, round(float(view.place(data.subtree_com[trunk])[0]), 3))
