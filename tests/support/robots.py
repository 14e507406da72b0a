"""Robots of one's own: the built-in model, changed the way that other people's models differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources

LEGS = ("FR", "FL", "RR", "RL")


def go1() -> str:
    """The built-in model's XML."""
    return resources.files("handlers.mission.world").joinpath("go1.xml").read_text("utf-8")


def other_names() -> str:
    """Joints, bodies and geoms under names that say nothing."""
    text = go1()
    for number, leg in enumerate(LEGS):
        text = re.sub(rf"\b{leg}_(\w+)", rf"part{number}_\1", text)
    return text.replace('"trunk"', '"chassis"').replace("_hip_joint", "_a").replace(
        "_thigh_joint", "_b"
    ).replace("_calf_joint", "_c")  # fmt: skip


def turned_axes() -> str:
    """Thigh and calf turn about -y, and the right hips about -x."""
    text = go1()
    text = text.replace(
        'axis="0 1 0" range="-39.305 257.888"', 'axis="0 -1 0" range="-257.888 39.305"'
    )
    text = text.replace(
        'axis="0 1 0" range="-161.459 -50.879"', 'axis="0 -1 0" range="50.879 161.459"'
    )
    text = text.replace('ctrlrange="-0.686 4.501"', 'ctrlrange="-4.501 0.686"')
    text = text.replace('ctrlrange="-2.818 -0.888"', 'ctrlrange="0.888 2.818"')
    for leg in ("FR", "RR"):
        name = f'<joint name="{leg}_hip_joint" class="hip"'
        text = text.replace(name, f'{name} axis="-1 0 0"')
    return text


def drawn_bent() -> str:
    """The angle 0 of each thigh and calf is a bent leg's: 45 and -90 degrees."""
    text = go1().replace('range="-39.305 257.888"', 'range="-84.305 212.888"')
    text = text.replace('range="-161.459 -50.879"', 'range="-71.459 39.121"')
    text = text.replace('ctrlrange="-0.686 4.501"', 'ctrlrange="-1.471 3.716"')
    text = text.replace('ctrlrange="-2.818 -0.888"', 'ctrlrange="-1.247 0.683"')
    text = re.sub(r'(<body name="\w\w_thigh")', r'\1 euler="0 45 0"', text)
    return re.sub(r'(<body name="\w\w_calf")', r'\1 euler="0 -90 0"', text)


def longer_legs(factor: float) -> str:
    """Thighs and calves are longer, all else is as it is."""
    text = re.sub(r"-0\.213\b", f"{-0.213 * factor:.4f}", go1())
    return text.replace("-0.193", f"{-0.213 * factor + 0.02:.4f}")


def larger(factor: float) -> str:
    """Everything is longer, with the weight and the motors of such a robot."""

    def scaled(power: int) -> Callable[[re.Match[str]], str]:
        return lambda m: m[1] + " ".join(f"{float(v) * factor**power:.6g}" for v in m[2].split())

    text = re.sub(r'( (?:pos|size|fromto)=")([-\d. e]+)', scaled(1), go1())
    text = re.sub(r'( mass=")([-\d. e]+)', scaled(3), text)
    text = re.sub(r'( diaginertia=")([-\d. e]+)', scaled(5), text)
    return re.sub(r'( forcerange=")([-\d. e]+)', scaled(4), text)


def knees_forward() -> str:
    """All four knees bend forward."""
    text = go1().replace('range="-161.459 -50.879"', 'range="50.879 161.459"')
    text = text.replace('range="-39.305 257.888"', 'range="-257.888 39.305"')
    text = text.replace('ctrlrange="-0.686 4.501"', 'ctrlrange="-4.501 0.686"')
    return text.replace('ctrlrange="-2.818 -0.888"', 'ctrlrange="0.888 2.818"')


def motors() -> str:
    """Torque motors with gears, and joints without damping or armature."""
    text = re.sub(
        r'<position name="(\w+_hip|\w+_thigh)" class="\w+"',
        r'<motor name="\1" gear="6" ctrlrange="-3.95 3.95"',
        go1(),
    )
    text = re.sub(
        r'<position name="(\w+_calf)" class="\w+"',
        r'<motor name="\1" gear="9" ctrlrange="-3.95 3.95"',
        text,
    )
    return text.replace('<joint damping="0.5" armature="0.01"/>', "<joint/>")


def with_company() -> str:
    """A head that turns, a tail without a motor, a loose ball, and actuators in another order."""
    text = go1().replace(
        '<site name="imu"/>',
        '<body name="neck" pos="0.2 0 0.06"><joint name="neck" axis="0 0 1"/>'
        '<geom size="0.03" mass="0.2"/></body>'
        '<body name="tail" pos="-0.2 0 0.04"><joint name="tail" axis="0 1 0" damping="0.05"'
        ' stiffness="1"/><geom size="0.01" mass="0.02" pos="-0.05 0 0"/></body>',
    )
    ball = '<worldbody><body pos="3 3 1"><freejoint/><geom size="0.1" mass="1"/></body>'
    text = text.replace("<worldbody>", ball)
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if '<position name="FR_hip"' in line)
    lines[first : first + 12] = reversed(lines[first : first + 12])
    lines.insert(first + 3, '<motor joint="neck" ctrlrange="-1 1"/>')
    return "\n".join(lines)


def feet_on_bodies_of_their_own() -> str:
    """The feet are bodies without a joint, frictionless and of no priority, as some models have."""
    return re.sub(
        r'<geom name="(\w\w)_foot" class="foot" pos="0 0 -0.213"/>',
        r'<body pos="0 0 -0.213"><geom name="\1_foot" size="0.022" condim="1"/></body>',
        go1(),
    )


def weak(most: float) -> str:
    """Motors that give at most so many Nm."""
    return re.sub(r'forcerange="[^"]+"', f'forcerange="-{most} {most}"', go1())
