"""A model of one's own is tried before it is used, and refused with figures when it cannot walk."""

from collections.abc import Callable
from math import degrees, hypot
from pathlib import Path

import pytest
import robots

pytest.importorskip("mujoco")

from handlers.mission.episode import proving
from handlers.mission.episode.proving import proven_scene
from handlers.mission.episode.sim import Simulator, Variation
from handlers.mission.locomotion.skill import Call
from store.errors import InputError

SLIPPERY = Variation(friction=(0.5, 0.5), push_n=(0.0, 0.0))


@pytest.mark.parametrize(
    "build",
    [
        robots.other_names,
        robots.turned_axes,
        robots.drawn_bent,
        robots.knees_forward,
        robots.motors,
        robots.with_company,
        robots.feet_on_bodies_of_their_own,
        lambda: robots.longer_legs(0.7),
        lambda: robots.longer_legs(1.2),
        lambda: robots.larger(1.6),
    ],
    ids=["names", "axes", "bent", "knees", "motors", "company", "feet", "short", "long", "large"],
)
def test_the_robot_that_is_another_robot_walks_and_turns(
    tmp_path: Path, build: Callable[[], str]
) -> None:
    # given a model that is not laid out as ours is
    xml = tmp_path / "mine.xml"
    xml.write_text(build(), "utf-8")
    scene = proven_scene(xml=xml)
    # when it walks a metre and turns, on a slippery floor and with a mass of its own
    sim = Simulator(scene, seed=3, variation=SLIPPERY)
    x, y = sim.sense.x, sim.sense.y
    assert sim.execute(Call("walk_forward", distance_m=1.0)).ok
    assert hypot(sim.sense.x - x + 1.0, sim.sense.y - y) < 0.03
    yaw = sim.sense.yaw
    assert sim.execute(Call("turn_right")).ok
    # then it is a metre on, and has turned a quarter
    assert degrees(sim.sense.yaw - yaw) == pytest.approx(-90, abs=1.0)
    assert sim.sense.feet_grounded == 4


def test_a_model_too_weak_to_stand_is_refused_with_figures(tmp_path: Path) -> None:
    xml = tmp_path / "weak.xml"
    xml.write_text(robots.weak(4), "utf-8")
    with pytest.raises(InputError, match=r"sank to 0\.\d\d m of 0\.28 m") as error:
        proven_scene(xml=xml)
    assert "motors give 4, 4, 4 Nm" in str(error.value)
    assert str(xml) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_that_falls_is_refused_with_how_long_it_took(tmp_path: Path) -> None:
    # given a trunk whose weight is far beside its feet
    xml = tmp_path / "tips.xml"
    text = robots.go1().replace('<inertial pos="0.012 0 0"', '<inertial pos="0.012 0.6 0.3"')
    xml.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"this model fell after \d\.\d s of"):
        proven_scene(xml=xml)


def test_a_model_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a model that was tried
    xml = tmp_path / "mine.xml"
    xml.write_text(robots.other_names(), "utf-8")
    proven_scene(xml=xml)
    # when it is used again, then it is not tried again; when it is another, it is
    tried: list[str] = []
    monkeypatch.setattr(proving, "prove", lambda _scene, where: tried.append(where))
    proven_scene(xml=xml)
    assert tried == []
    xml.write_text(robots.other_names().replace('mass="5.2"', 'mass="5.3"'), "utf-8")
    proven_scene(xml=xml)
    assert tried == [str(xml)]


def test_a_seeds_friction_is_the_feets_own(tmp_path: Path) -> None:
    # given a model whose feet had neither friction nor priority
    xml = tmp_path / "mine.xml"
    xml.write_text(robots.feet_on_bodies_of_their_own(), "utf-8")
    scene = proven_scene(xml=xml)
    # when it stands on a floor of a seed's friction, then that is what holds its feet
    sim = Simulator(scene, seed=1, variation=SLIPPERY)
    feet = set(scene.feet)
    held = [
        contact.friction[0] for contact in sim.data.contact if feet & {contact.geom1, contact.geom2}
    ]
    assert held
    assert held == pytest.approx([0.5] * len(held))
