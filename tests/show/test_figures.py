"""Pictures are drawn from what a solution answers, and a picture that cannot be drawn breaks nothing."""

from __future__ import annotations

import dataclasses
import functools
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support import ROOT

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.sandbox.inline import InlineInterview
from cvlab.sandbox.outcome import Answer, Lost, Outcome, Raised
from cvlab.sandbox.worker import Solution, Task
from cvlab.show.figures import Picture, draw_pictures

DRAWN = [drill for drill in Bank(ROOT).drills() if (drill.grader / "pictures.py").exists()]
TWO_PROBES = "\n".join(f"def {name}(solution):\n    pass\n" for name in ("one", "other"))

each_drill = pytest.mark.parametrize("drill", DRAWN, ids=[drill.folder for drill in DRAWN])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Ask as a worker does: two threads that wait for each other take minutes on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def asked_of(drill: Drill, source: str) -> Callable[[str], Outcome]:
    """Return how to ask a solution of this text the drill's probes, in this process."""
    task = Task(Solution(drill.about.file, source), drill.text_of(drill.probes), 0)
    return InlineInterview(task).ask


@functools.cache
def asked_of_the_reference(folder: str) -> Callable[[str], Outcome]:
    """Return how to ask the reference of this drill, whose answers are remembered."""
    [drill] = [drill for drill in DRAWN if drill.folder == folder]
    return asked_of(drill, drill.text_of(drill.reference))


def everything_answers(value: object) -> Callable[[str], Outcome]:
    return lambda probe: Answer(value)


def coloured(png: bytes) -> int:
    """Return how many different colours, not greys, are below the title: text and frames alone have none."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    below = image.crop((0, image.height // 8, *image.size))
    colours = below.getcolors(maxcolors=image.width * image.height)
    assert colours is not None
    return sum(1 for _, (red, green, blue) in colours if max(red, green, blue) - min(red, green, blue) > 30)


@pytest.fixture
def small_drill(tmp_path: Path) -> Callable[[str], Drill]:
    """Make a drill with two probes and these drawing functions."""

    def make(pictures: str) -> Drill:
        (tmp_path / "probes.py").write_text(TWO_PROBES)
        (tmp_path / "pictures.py").write_text(
            f"import probes\nfrom cvlab.show.figures import picture\n\n{pictures}", encoding="utf-8"
        )
        return dataclasses.replace(DRAWN[0], grader=tmp_path)

    return make


# ------------------------------------------------------------------------------------------------ pictures of the bank


def test_some_drills_have_pictures() -> None:
    assert len(DRAWN) >= 6


@each_drill
def test_every_picture_is_drawn_from_the_reference(drill: Drill) -> None:
    pictures = list(draw_pictures(drill, asked_of_the_reference(drill.folder)))
    assert pictures
    for drawn in pictures:
        assert drawn.missing == ""
        assert drawn.png.startswith(b"\x89PNG\r\n\x1a\n")
        assert Image.open(io.BytesIO(drawn.png)).size == (704, 440)
        assert coloured(drawn.png) > 10, f"{drawn.name} is blank"


@each_drill
def test_the_stub_has_no_picture_and_a_reason(drill: Drill) -> None:
    pictures = list(draw_pictures(drill, asked_of(drill, drill.text_of(drill.stub))))
    assert pictures
    assert {drawn.missing for drawn in pictures} == {"the solution did not answer what it is drawn from"}
    assert {drawn.png for drawn in pictures} == {b""}


@each_drill
@pytest.mark.parametrize(
    "value",
    [None, 3.0, "no data", [], {}, torch.full((2, 3), torch.nan), [torch.zeros(0)], {"losses": None, "images": "none"}],
    ids=["nothing", "number", "text", "empty list", "empty dict", "nan", "empty tensor", "wrong values"],
)
def test_malformed_answers_give_a_reason_instead_of_a_picture(drill: Drill, value: object) -> None:
    for drawn in draw_pictures(drill, everything_answers(value)):
        assert drawn.png == b""
        assert drawn.missing.startswith("the answers cannot be drawn (")


@each_drill
def test_answers_of_the_right_form_with_numbers_that_make_no_sense_break_nothing(drill: Drill) -> None:
    ask = asked_of_the_reference(drill.folder)

    def nonsense(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return torch.full_like(value, torch.nan if value.is_floating_point() else 10**6)
        if isinstance(value, dict):
            return {key: nonsense(part) for key, part in value.items()}
        if isinstance(value, list):
            return [nonsense(part) for part in value]
        return float("inf")

    def damaged(probe: str) -> Outcome:
        answer = ask(probe)
        assert isinstance(answer, Answer)
        return Answer(nonsense(answer.value))

    for drawn in draw_pictures(drill, damaged):
        assert bool(drawn.png) != bool(drawn.missing)


# ---------------------------------------------------------------------------------------------------- the machine alone


def test_a_drill_without_pictures_has_none_and_is_asked_nothing(tmp_path: Path) -> None:
    drill = dataclasses.replace(DRAWN[0], grader=tmp_path)
    assert list(draw_pictures(drill, lambda probe: pytest.fail(f"was asked {probe}"))) == []


def test_a_drawing_gets_the_answers_to_its_probes_in_order(small_drill: Callable[[str], Drill]) -> None:
    drill = small_drill(
        "@picture('Both', probes.other, probes.one)\n"
        "def both(figure, first, second):\n"
        "    assert (first, second) == ('to other', 'to one')\n"
    )
    [drawn] = draw_pictures(drill, lambda probe: Answer(f"to {probe}"))
    assert (drawn.name, drawn.title, drawn.missing) == ("both", "Both", "")


def test_an_empty_drawing_counts_as_blank(small_drill: Callable[[str], Drill]) -> None:
    drill = small_drill("@picture('Frame', probes.one)\ndef frame(figure, answer):\n    figure.add_subplot()\n")
    [drawn] = draw_pictures(drill, everything_answers(1))
    assert coloured(drawn.png) == 0


@pytest.mark.parametrize("outcome", [Raised("ValueError", "no"), Lost("crashed", "signal 11")], ids=["raised", "lost"])
def test_one_unanswered_probe_leaves_its_picture_out_and_draws_the_others(
    small_drill: Callable[[str], Drill], outcome: Outcome
) -> None:
    drill = small_drill(
        "@picture('One', probes.one)\ndef first(figure, answer):\n    pass\n\n"
        "@picture('Both', probes.one, probes.other)\ndef second(figure, answer, other):\n    pass\n"
    )
    first, second = draw_pictures(drill, lambda probe: Answer(1) if probe == "one" else outcome)
    assert first.png
    assert second == Picture("second", "Both", missing="the solution did not answer what it is drawn from")


def test_a_picture_that_raises_leaves_the_others_alone(small_drill: Callable[[str], Drill]) -> None:
    drill = small_drill(
        "@picture('Broken', probes.one)\ndef broken(figure, answer):\n    answer['x']\n\n"
        "@picture('Whole', probes.one)\ndef whole(figure, answer):\n    pass\n"
    )
    broken, whole = draw_pictures(drill, everything_answers({}))
    assert broken == Picture("broken", "Broken", missing="the answers cannot be drawn (KeyError)")
    assert whole.png


def test_the_same_answers_give_the_same_bytes(small_drill: Callable[[str], Drill]) -> None:
    drill = small_drill("@picture('Line', probes.one)\ndef line(figure, y):\n    figure.add_subplot().plot(y)\n")
    [one], [other] = (list(draw_pictures(drill, everything_answers([1.0, 3.0, 2.0]))) for _ in range(2))
    assert one.png == other.png


def test_drawing_leaves_no_module_of_the_drill_behind(small_drill: Callable[[str], Drill]) -> None:
    before = {name: sys.modules.get(name) for name in ("probes", "pictures")}
    drill = small_drill("@picture('Nothing', probes.one)\ndef nothing(figure, answer):\n    pass\n")
    assert [drawn.missing for drawn in draw_pictures(drill, everything_answers(1))] == [""]
    assert {name: sys.modules.get(name) for name in ("probes", "pictures")} == before


def test_without_matplotlib_it_says_how_to_install_it(
    small_drill: Callable[[str], Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    drill = small_drill("@picture('Nothing', probes.one)\ndef nothing(figure, answer):\n    pass\n")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"matplotlib is not installed.*pip install 'cvlab-drills\[pictures\]'"):
        list(draw_pictures(drill, everything_answers(1)))
