"""A robot is found by its structure: whatever its joints are called and however they turn."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import robots

pytest.importorskip("mujoco")

from handlers.mission.world.model import SceneModel, compile_scene
from store.errors import InputError

Compile = Callable[[str], SceneModel]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """The scene of a model given as XML."""

    def build(text: str) -> SceneModel:
        xml = tmp_path / "mine.xml"
        xml.write_text(text, "utf-8")
        return compile_scene(xml=xml)

    return build


@pytest.mark.parametrize("build", [robots.other_names, robots.turned_axes, robots.drawn_bent])
def test_names_signs_and_zeros_do_not_change_what_the_legs_are(
    compiled: Compile, build: Callable[[], str]
) -> None:
    # given the same robot written down otherwise, when its legs are measured
    ours, body = compile_scene().body, compiled(build()).body
    # then they are the same legs, of the same weight
    assert (body.mass, body.com_x, body.size) == (ours.mass, ours.com_x, ours.size)
    for leg, own in zip(body.legs, ours.legs, strict=True):
        assert (leg.hip, leg.offset, leg.thigh, leg.calf) == (
            own.hip, own.offset, own.thigh, own.calf
        )  # fmt: skip
        assert (leg.ranges, leg.knee, leg.foot_radius) == (own.ranges, own.knee, own.foot_radius)


@pytest.mark.parametrize(
    "build",
    [robots.other_names, robots.turned_axes, robots.drawn_bent, robots.with_company, robots.motors],
)
def test_the_controllers_angles_put_the_models_feet_where_it_thinks(
    compiled: Compile, build: Callable[[], str]
) -> None:
    import mujoco

    # given a model, standing
    scene = compiled(build())
    data = mujoco.MjData(scene.model)
    data.qpos[:] = scene.wiring.stand([0.3, -0.2, 0.4, 1.0, 0.0, 0.0, 0.0])
    mujoco.mj_forward(scene.model, data)
    # when its state is read as the controller has it
    sense = scene.wiring.sense(
        data.qpos.tolist(), data.qvel.tolist(), data.sensordata.tolist(), 0.0
    )
    # then the feet are where the simulator has them
    for foot, geom in zip(sense.feet(), scene.feet, strict=True):
        assert foot == pytest.approx(data.geom_xpos[geom].tolist(), abs=1e-5)


def test_front_and_left_are_told_by_where_the_hips_are(compiled: Compile) -> None:
    hips = [leg.hip[:2] for leg in compiled(robots.other_names()).body.legs]
    assert [(x > 0, y > 0) for x, y in hips] == [
        (True, False), (True, True), (False, False), (False, True)
    ]  # fmt: skip


def test_knees_that_bend_forward_are_seen(compiled: Compile) -> None:
    assert {leg.knee for leg in compiled(robots.knees_forward()).body.legs} == {1.0}


def test_without_limits_the_first_keyframe_says_how_the_knees_bend(compiled: Compile) -> None:
    # given knees without limits and a keyframe that bends them forward
    text = robots.go1().replace('axis="0 1 0" range="-161.459 -50.879"', 'axis="0 1 0"')
    pose = "0 0 0.3 1 0 0 0" + 4 * " 0 -0.9 1.8"
    keyed = text.replace("<actuator>", f'<keyframe><key qpos="{pose}"/></keyframe><actuator>')
    # then that counts, and without one they bend back as Go1's do
    assert {leg.knee for leg in compiled(keyed).body.legs} == {1.0}
    assert {leg.knee for leg in compiled(text).body.legs} == {-1.0}


def test_motors_keep_their_torque_and_get_the_controllers_gains(compiled: Compile) -> None:
    scene = compiled(robots.motors())
    most = [round(limit, 2) for _, limit in scene.wiring.torques[:3]]
    assert most == [23.7, 23.7, 35.55]
    index = scene.wiring.actuators[0]
    assert scene.model.actuator_gainprm[index][0] == pytest.approx(scene.body.kp)
    assert scene.model.actuator_gear[index][0] == 1.0


def test_gains_and_gaits_are_in_the_robots_own_measure(compiled: Compile) -> None:
    # given legs twice as long
    body = compiled(robots.longer_legs(2.0)).body
    # then it stands twice as high, and its servos are as stiff as its weight and size ask for
    assert body.size == pytest.approx(2.0, abs=1e-3)
    assert body.stand_height == pytest.approx(0.57, abs=1e-3)
    assert body.kp == pytest.approx(200.0 * body.load * 2.0, rel=1e-3)


def test_feet_without_friction_get_it_and_the_say_in_their_contacts(compiled: Compile) -> None:
    model = compiled(robots.feet_on_bodies_of_their_own())
    assert [int(model.model.geom_condim[foot]) for foot in model.feet] == [3] * 4
    others = set(range(model.model.ngeom)) - set(model.feet)
    assert min(model.model.geom_priority[model.feet]) > max(
        int(model.model.geom_priority[geom]) for geom in others
    )


def _without_motor() -> str:
    return re.sub(r'<position name="RL_calf".*?/>', "", robots.go1())


def _with_wheels() -> str:
    wheel = '<body name="{0}_wheel" pos="0 0 -0.213"><joint name="{0}_wheel" axis="0 1 0"/>'
    return re.sub(
        r'<geom name="(\w\w)_foot" class="foot" pos="0 0 -0.213"/>',
        lambda m: wheel.format(m[1]) + '<geom size="0.05" mass="0.2"/></body>',
        robots.go1(),
    )


def _with_six_legs() -> str:
    text = robots.go1()
    start = text.index('<body name="FR_hip"')
    leg = text[start : text.index('<body name="FL_hip"')]
    more = [
        leg.replace("FR_", name + "_").replace("0.1881 -0.04675", place)
        for name, place in (("MR", "0 -0.04675"), ("ML", "0 0.04675"))
    ]
    return text[:start] + "".join(more) + text[start:]


def _ant() -> str:
    leg = (
        '<body pos="{0} {1} 0"><joint name="hip_{2}" axis="0 0 1"/><geom size="0.05" mass="0.1"/>'
        '<body pos="{0} {1} 0"><joint name="ankle_{2}" axis="1 1 0"/>'
        '<geom size="0.05" mass="0.1"/></body></body>'
    )
    legs = "".join(
        leg.format(x, y, n) for n, (x, y) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1)))
    )
    return (
        '<mujoco><worldbody><body name="torso" pos="0 0 1"><freejoint/>'
        f'<geom size="0.2" mass="1"/>{legs}</body></worldbody></mujoco>'
    )


def _without_touching_feet() -> str:
    text = robots.go1()
    start, end = text.index('<body name="RL_calf"'), text.index("</worldbody>")
    calf = text[start:end].replace("<geom ", '<geom contype="0" conaffinity="0" ')
    return text[:start] + calf + text[end:]


def _facing_sideways() -> str:
    text = robots.go1().replace('axis="1 0 0"', 'axis="0 0 7"')
    return text.replace('axis="0 1 0"', 'axis="1 0 0"').replace('axis="0 0 7"', 'axis="0 1 0"')


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: robots.go1().replace('<freejoint name="root"/>', ""), "fixed to the world"),
        (_with_wheels, "not four legs of three joints; chains of joints found: 4 of 4"),
        (_ant, "not four legs of three joints; chains of joints found: 4 of 2"),
        (_with_six_legs, "not four legs of three joints; chains of joints found: 6 of 3"),
        (lambda: "<mujoco><worldbody><geom size='1'/></worldbody></mujoco>", "no hinge joint"),
        (_without_motor, "no actuator on RL_calf_joint"),
        (_without_touching_feet, "nothing below joint 'RL_calf_joint' can touch the ground"),
        (_facing_sideways, "joint 'FR_hip_joint' turns about (0.00 1.00 0.00)"),
    ],
)
def test_what_is_no_quadruped_is_one_line(
    compiled: Compile, build: Callable[[], str], told: str
) -> None:
    with pytest.raises(InputError) as error:
        compiled(build())
    assert told in str(error.value)
    assert "mine.xml" in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.hint
