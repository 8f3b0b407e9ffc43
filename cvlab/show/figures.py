"""Pictures of a drill: drawn outside the sandbox, from what a solution answered.

A drill's `pictures.py` says what to draw:

    import probes
    from cvlab.show.figures import picture

    @picture("The loss falls while fifty images are learnt by heart", probes.overfit)
    def loss_curve(figure, training):
        axes = figure.add_subplot()
        axes.plot(training["losses"])

A drawing function gets an empty matplotlib Figure and the answer to each of its probes, as plain data. The answers come
from a stranger: a picture that cannot be drawn from them is left out, with the reason, and breaks nothing.
"""

from __future__ import annotations

import io
import linecache
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.sandbox.worker import PROBES_MODULE, load_probes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = TypeVar("Draw", bound=Callable[..., None])

SIZE_INCHES = (6.4, 4.0)
DOTS_PER_INCH = 110


@dataclass(frozen=True)
class Plan:
    """What a drawing function says of itself."""

    title: str
    probes: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """One picture, or the reason why there is none."""

    name: str
    title: str
    png: bytes = b""
    missing: str = ""


def picture(title: str, *probes: Callable[..., Any]) -> Callable[[Draw], Draw]:
    """Make a function draw a picture from the answers to these probes; `title` says what is to be seen."""

    def mark(draw: Draw) -> Draw:
        vars(draw)["__cvlab_picture__"] = Plan(title, tuple(probe.__name__ for probe in probes))
        return draw

    return mark


def draw_pictures(drill: Drill, ask: Callable[[str], Outcome]) -> Iterator[Picture]:
    """Yield every picture of a drill, drawn from what `ask` answers; a drill without `pictures.py` has none.

    Raises UsageError where matplotlib is not installed.
    """
    path = drill.grader / "pictures.py"
    if not path.exists():
        return
    _require_matplotlib()
    for name, (plan, draw) in _plans(drill).items():
        outcomes = [ask(probe) for probe in plan.probes]
        answers = [outcome.value for outcome in outcomes if isinstance(outcome, Answer)]
        if len(answers) < len(outcomes):
            yield Picture(name, plan.title, missing="the solution did not answer what it is drawn from")
            continue
        try:
            yield Picture(name, plan.title, png=_drawn(draw, plan.title, answers))
        except Exception as problem:  # a stranger's numbers went in
            yield Picture(name, plan.title, missing=f"the answers cannot be drawn ({type(problem).__name__})")


def _plans(drill: Drill) -> dict[str, tuple[Plan, Callable[..., None]]]:
    path = drill.grader / "pictures.py"
    source = drill.text_of(path)
    module = types.ModuleType("pictures")
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    with _probes_importable(drill):
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the drill's own
    found = {name: vars(value).get("__cvlab_picture__") for name, value in vars(module).items() if callable(value)}
    return {name: (plan, getattr(module, name)) for name, plan in found.items() if isinstance(plan, Plan)}


@contextmanager
def _probes_importable(drill: Drill) -> Iterator[None]:
    kept = sys.modules.pop(PROBES_MODULE, None)
    sys.modules[PROBES_MODULE] = load_probes(drill.text_of(drill.probes), str(drill.probes))
    try:
        yield
    finally:
        sys.modules.pop(PROBES_MODULE, None)
        if kept is not None:
            sys.modules[PROBES_MODULE] = kept


def _drawn(draw: Callable[..., None], title: str, answers: list[Any]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, *answers)
    figure.suptitle(title, fontsize=11)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _require_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise UsageError(
            "pictures", "matplotlib is not installed.", "Run: pip install 'cvlab-drills[pictures]'"
        ) from None
