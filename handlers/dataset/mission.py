"""What rows need to know of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.dataset.causes import Causes
from handlers.export.template import compile_template
from handlers.project.project import Project
from store import identity
from store.errors import CadenzaError


@dataclass(frozen=True)
class Mission:
    """A project as rows see it. `actions`: name -> id, empty for an unknown robot.

    `causes_key`: what causes depend on, env.json's phases and scene, as a hash.
    """

    name: str
    task: str
    robot: str
    plan: str
    n_phases: int
    template: str
    include_rationale: bool = True
    actions: Mapping[str, int] = field(default_factory=dict)
    causes_key: str = ""
    causes: Causes | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, project: Project) -> Mission:
        spec = project.spec
        goals = [phase.goal_prompt or phase.name for phase in spec.phases]
        actions: dict[str, int] = {}
        causes = None
        try:
            actions = {name: at for at, name in enumerate(project.library.names)}
            causes = Causes(spec, project.library)
        except CadenzaError:
            pass  # nobody knows the robot: ids and causes are unknown, and the manifest says so
        return cls(
            name=spec.name,
            task=spec.description or spec.name,
            robot=spec.robot,
            plan="\n".join(f"{at}. {goal}" for at, goal in enumerate(goals, 1)),
            n_phases=len(spec.phases),
            template=spec.vla_finetune.template,
            include_rationale=spec.vla_finetune.include_rationale,
            actions=actions,
            causes_key=identity.of(
                spec.model_dump_json(include={"phases", "scene"}).encode("utf-8", "replace")
            ),
            causes=causes,
        )

    @property
    def template_problem(self) -> str | None:
        """Why the template can never be rendered; None where it can."""
        return compile_template(self.template).problem

    def as_json(self) -> dict[str, object]:
        """All that shapes a row."""
        return {
            "name": self.name,
            "task": self.task,
            "robot": self.robot,
            "plan": self.plan,
            "n_phases": self.n_phases,
            "template": self.template,
            "include_rationale": self.include_rationale,
            "actions": list(self.actions),
            "causes": self.causes_key,
        }
