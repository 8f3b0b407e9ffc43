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

`ACTIVATIONS = probes.fine_tuned` names the probe whose answer has "activations", where that is not `overfit`.
"""

from __future__ import annotations

import io
import linecache
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.sandbox.worker import PROBES_MODULE, load_probes
from cvlab.show.exhibits import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "Plan", "activations_probe", "draw_losses", "draw_pictures", "picture", "picture_probes"]

Draw = TypeVar("Draw", bound=Callable[..., None])

SIZE_INCHES = (6.4, 4.0)
DOTS_PER_INCH = 110


@dataclass(frozen=True)
class Plan:
    """What a drawing function says of itself."""

    title: str
    probes: tuple[str, ...]
    alt: str


def picture(title: str, *probes: Callable[..., Any], alt: str = "") -> Callable[[Draw], Draw]:
    """Make a function draw a picture from the answers to these probes; `title` says what is to be seen.

    `alt` describes what is drawn to somebody who does not see it; the title has to do where there is none.
    """

    def mark(draw: Draw) -> Draw:
        vars(draw)["__cvlab_picture__"] = Plan(title, tuple(probe.__name__ for probe in probes), alt or title)
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
            yield Picture(name, plan.title, png=_drawn(draw, plan.title, answers), alt=plan.alt)
        except Exception as problem:  # a stranger's numbers went in
            yield Picture(name, plan.title, missing=f"the answers cannot be drawn ({type(problem).__name__})")


def draw_losses(figure: Figure, losses: list[float], *, what: str = "loss", goal: float | None = None) -> None:
    """Draw the loss of every step on a logarithmic axis, with the `goal` that the last ones should be below."""
    axes = figure.add_subplot()
    axes.semilogy(range(1, len(losses) + 1), losses, color="tab:blue")
    if goal is not None:
        axes.axhline(goal, color="dimgray", linestyle="--", linewidth=1)
        axes.annotate("goal", (1, goal), xytext=(2, 3), textcoords="offset points", color="dimgray")
    axes.set_xlabel("step")
    axes.set_ylabel(what)


def activations_probe(drill: Drill) -> str | None:
    """Return the name of the probe whose answer tells of activations; None where the drill has none."""
    path = drill.grader / "pictures.py"
    probes = load_probes(drill.text_of(drill.probes), str(drill.probes))
    named = getattr(_loaded(drill), "ACTIVATIONS", None) if path.exists() else None
    probe = named or getattr(probes, "overfit", None)
    return None if probe is None else str(probe.__name__)


def picture_probes(drill: Drill) -> list[str]:
    """Return the name of every probe that the pictures of a drill are drawn from."""
    if not (drill.grader / "pictures.py").exists():
        return []
    return list(dict.fromkeys(name for plan, _ in _plans(drill).values() for name in plan.probes))


def _plans(drill: Drill) -> dict[str, tuple[Plan, Callable[..., None]]]:
    module = _loaded(drill)
    found = {name: getattr(value, "__cvlab_picture__", None) for name, value in vars(module).items() if callable(value)}
    return {name: (plan, getattr(module, name)) for name, plan in found.items() if isinstance(plan, Plan)}


def _loaded(drill: Drill) -> types.ModuleType:
    """Return a drill's `pictures.py` as a module."""
    path = drill.grader / "pictures.py"
    source = drill.text_of(path)
    module = types.ModuleType("pictures")
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    with _probes_importable(drill):
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the drill's own
    return module


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
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib warns of a stranger's numbers: an axis of no length, a NaN
        draw(figure, *answers)
        figure.suptitle(title, fontsize=11)
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _require_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise UsageError(
            "pictures", "matplotlib is not installed.", "Run: pip install 'cvlab-drills[pictures]'"
        ) from None
