"""A compiled template says exactly what str.format says, or admits that it cannot be rendered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.export.template import (
    FALLBACK,
    OBS_DEFAULTS,
    RENDER_ERRORS,
    SCENE_KEYS,
    compile_template,
)
from handlers.project.spec import DEFAULT_PROMPT_TEMPLATE

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.one_of(
    st.integers(),
    st.integers(min_value=2**60, max_value=2**1100),
    st.floats(allow_nan=False, allow_infinity=False),
)
anything = st.one_of(numbers, texts, st.booleans(), st.lists(st.integers(), max_size=2))
scenes = st.fixed_dictionaries(
    {
        "mission_name": texts,
        "n_phases": st.integers(1, 99),
        "phase_idx": st.integers(-5, 10**30),
        "phase_name": texts,
        "goal_prompt": texts,
    }
)
specs = st.one_of(
    st.sampled_from(["", "", ":.2f", ":+.0f", ":08.3f", ": .1e", ":g", ":+012.4G", ":5", ":d"]),
    st.from_regex(
        r"(?:![rsa])?(?::[<>=^]?[+\- ]?#?0?[0-9]{0,2},?(?:\.[0-9]{1,2})?[defgnxFGE%]?)?",
        fullmatch=True,
    ),
)
fields = st.tuples(st.sampled_from([*SCENE_KEYS, *OBS_DEFAULTS]), specs).map("{%s%s}".__mod__)
literals = st.one_of(texts, st.sampled_from(["100%", "%d", "{}", "}{"])).map(
    lambda text: text.replace("{", "{{").replace("}", "}}")
)
templates = st.lists(st.one_of(fields, literals), max_size=8).map("".join)


def outcome(render: Any) -> str | type[Exception]:
    """What rendering gave: the text, or that it raised."""
    try:
        text: str = render()
        text.encode()
    except RENDER_ERRORS:
        return Exception
    return text


@given(templates, scenes, st.fixed_dictionaries(dict.fromkeys(OBS_DEFAULTS, numbers)))
def test_compiled_and_str_format_agree(template: str, scene: Any, obs: Any) -> None:
    # given a template that can be rendered and whose numbers all have plain specs
    renderer = compile_template(template)
    if renderer.problem is not None or renderer.numbers is None:
        return
    # when it is rendered both ways, then both say the same or both refuse
    wanted = tuple(obs[key] for key in renderer.numbers)
    expected = outcome(lambda: template.format(**scene, **obs))
    assert outcome(lambda: renderer.bind(scene) % wanted) == expected


@given(templates, scenes, st.fixed_dictionaries(dict.fromkeys(OBS_DEFAULTS, anything)))
def test_render_is_str_format_for_values_of_any_type(template: str, scene: Any, obs: Any) -> None:
    renderer = compile_template(template)
    if renderer.problem is None:
        expected = outcome(lambda: template.format(**scene, **obs))
        assert outcome(lambda: renderer.render({**scene, **obs})) == expected


@given(templates)
def test_only_templates_that_never_render_are_called_unrenderable(template: str) -> None:
    # given a template of known keys only, when some field suits neither an int nor a float
    renderer = compile_template(template)
    scene = {**dict.fromkeys(SCENE_KEYS, "x"), "n_phases": 1, "phase_idx": 1}
    if renderer.problem is not None:
        # then str.format refuses it for both
        for number in (0.5, 1):
            obs = dict.fromkeys(OBS_DEFAULTS, number)
            assert outcome(lambda obs=obs: template.format(**scene, **obs)) is Exception


def test_the_default_template_is_compiled() -> None:
    renderer = compile_template(DEFAULT_PROMPT_TEMPLATE)
    assert renderer.problem is None
    assert renderer.numbers == tuple(OBS_DEFAULTS)


@pytest.mark.parametrize(
    "spec", [":d", ":x", ":n", ":%", ":,", ":_.2f", ":<8.2f", ":.3", "!r:5", ":z.1f"]
)
def test_a_spec_without_a_twin_is_left_to_str_format(spec: str) -> None:
    # given a spec that means something else to `%`, or nothing
    renderer = compile_template("{feet_grounded" + spec + "}")
    # then it is not compiled, and rendered all the same
    assert renderer.problem is None
    assert renderer.numbers is None
    number = 4.5 if "." in spec else 4
    assert renderer.render({"feet_grounded": number}) == ("{0" + spec + "}").format(number)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("{mission_name} {unknown_key}", "'unknown_key'"),
        ("{ pos_x}", "' pos_x'"),
        ("{}", "'{}'"),
        ("{0}", "'{0}'"),
        ("{goal_prompt.__class__}", "'{goal_prompt.__class__}'"),
        ("{goal_prompt[0]}", "'{goal_prompt[0]}'"),
        ("{pos_x:{nearest_m}}", "'{pos_x:{nearest_m}}'"),
        ("{pos_x:999999999}", "'{pos_x:999999999}'"),
        ("{pos_x:.4097f}", "'{pos_x:.4097f}'"),
        ("{pos_x:" + "9" * 5000 + "}", "'{pos_x:999"),
        ("{pos_x:\u0669\u0669\u0669\u0669\u0669}", "'{pos_x:\u0669"),
        ("{pos_x!z}", "'{pos_x!z}'"),
        ("{phase_name:.2f}", "'{phase_name:.2f}'"),
        ("{pos_x", "braces"),
        ("pos_x}", "braces"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_an_unrenderable_template_falls_back_and_says_why(template: str, named: str) -> None:
    # given a template that cannot or must not be rendered, when it is compiled
    renderer = compile_template(template)
    # then the fallback is rendered instead, and the problem names the place in one line
    assert renderer.source == FALLBACK
    assert renderer.problem is not None
    assert named in renderer.problem
    assert "\n" not in renderer.problem
    renderer.problem.encode()


def test_the_widest_field_allowed_is_rendered() -> None:
    renderer = compile_template("{pos_x:4096.2f}")
    assert renderer.problem is None
    assert len(renderer.bind({}) % (1.0,)) == 4096
