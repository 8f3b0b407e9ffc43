"""What a terminal draws of a solution, and how it is read out of answers that a stranger gave."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import torch
from rich.cells import cell_len
from rich.console import Console

from cvlab.sandbox.outcome import Answer, Lost, Outcome
from cvlab.show.answers import _Lingering, activations_in, curves_in, strips_in
from cvlab.show.exhibits import Activation, Curve, Exhibits, Strip
from cvlab.show.sketches import plain_lines, print_drawn

ROW = {"name": "a", "kind": "ReLU", "call": 1, "shape": [2, 3], "mean": 0.5, "std": 1.0, "channels": 3, "dead": 1}
TWO_COLOURS = torch.tensor([[[1.0], [0.0]], [[0.0], [0.0]], [[0.0], [1.0]]])[None]  # (1, 3, 2, 1): red above blue


def drawn(exhibits: Exhibits, width: int, *, colours: Any = "truecolor", encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, color_system=colours, force_terminal=colours is not None, highlight=False)
    print_drawn(exhibits, console)
    file.flush()
    file.seek(0)
    return file.read()


def some(name: str = "losses") -> Exhibits:
    return Exhibits(
        activations=[Activation(name, name, 1, (2, 3), None, -1.5e-7, 3, 2)],
        curves=[Curve(name, tuple(1 / step for step in range(1, 200)))],
        strips=[Strip(name, TWO_COLOURS)],
    )


# ------------------------------------------------------------------------------------------------------------- answers


def test_a_row_of_activations_is_read_as_it_was_told() -> None:
    assert activations_in({"activations": [ROW]}) == [Activation("a", "ReLU", 1, (2, 3), 0.5, 1.0, 3, 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3},
        {"kind": None},
        {"call": True},
        {"shape": "23"},
        {"shape": [-1]},
        {"shape": [2] * 7},
        {"mean": "0"},
        {"mean": 10**400},
        {"channels": 2.0},
        {"dead": 4},
        {"dead": -1},
    ],
    ids=str,
)
def test_a_row_that_is_none_is_left_out_and_costs_no_other(changes: dict[str, Any]) -> None:
    assert activations_in({"activations": [ROW | changes, ROW]}) == activations_in({"activations": [ROW]})


@pytest.mark.parametrize(
    "answer", [None, [], 3, {"activations": {}}, {"activations": None}, {"activations": [None, 1]}]
)
def test_an_answer_without_rows_has_none(answer: object) -> None:
    assert activations_in(answer) == []


def test_names_are_bounded_and_visible_and_numbers_that_are_none_are_told_as_such() -> None:
    (row,) = activations_in({"activations": [ROW | {"name": "\x1b[2J" + "x" * 9000, "mean": float("nan")}]})
    assert "\x1b" not in row.name
    assert len(row.name) < 150
    assert row.mean is None
    assert len(activations_in({"activations": [ROW] * 9000})) == 64


def test_curves_are_lists_of_at_least_five_numbers() -> None:
    answer = {"a": [1.0] * 5, "b": [1.0] * 4, "c": [1.0] * 5 + ["x"], 3: [1.0] * 5, "d": "12345"}
    assert [curve.name for curve in curves_in(answer)] == ["a"]


def test_strips_are_images_and_the_maps_that_fit_them() -> None:
    answer = {
        "images": torch.rand(4, 3, 6, 6),
        "masks": torch.randint(0, 4, (4, 6, 6)),
        "depth": torch.full((4, 1, 6, 6), torch.nan),
        "other": torch.rand(4, 5, 5),
        "weights": torch.rand(4, 17),
    }
    strips = {strip.name: strip.images for strip in strips_in(answer)}
    assert set(strips) == {"images", "masks", "depth"}
    assert all(images.min() >= 0 and images.max() <= 1 and images.shape == (4, 3, 6, 6) for images in strips.values())
    assert not list(strips_in({"images": torch.rand(4, 3, 600, 600)}))
    assert not list(strips_in({"masks": torch.rand(4, 6, 6)}))


def test_more_questions_are_put_when_all_verdicts_are_made_and_break_nothing() -> None:
    class Subject:
        output = bytearray()
        isolation = "as it is"
        asked: list[str] = []  # noqa: RUF012

        def ask(self, probe: str, arguments: Any = None) -> Outcome:
            from cvlab.errors import SandboxError

            self.asked.append(probe)
            if probe == "breaks":
                raise SandboxError("nursery", "it is gone.")
            return Answer(probe)

        def close(self) -> Any:
            self.asked.append("(closed)")
            return self.isolation

    subject: Any = Subject()
    interview = _Lingering(subject, ["overfit", "breaks", "picture"])
    interview.ask("overfit")
    assert interview.close() == "as it is"
    assert subject.asked == ["overfit", "breaks", "picture", "(closed)"]
    assert interview.heard("picture") == Answer("picture")
    assert isinstance(interview.heard("breaks"), Lost)
    assert isinstance(interview.heard("never asked"), Lost)


# ------------------------------------------------------------------------------------------------------------ terminal


@pytest.mark.parametrize("width", [24, 60, 100])
@pytest.mark.parametrize("name", ["losses", "検査" * 20, "[bold]x[/bold] :boom:", "x" * 80])
def test_no_line_is_wider_than_the_terminal_and_names_are_literal(width: int, name: str) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn(some(name), width))
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert name[:4] in text


def test_half_blocks_have_the_upper_pixel_before_the_lower_one() -> None:
    assert "\x1b[38;2;255;0;0;48;2;0;0;255m▀" in drawn(some(), 60)


@pytest.mark.parametrize(("colours", "encoding"), [(None, "utf-8"), ("standard", "utf-8"), ("truecolor", "ascii")])
def test_images_are_drawn_only_where_they_can_be_recognised(colours: Any, encoding: str) -> None:
    text = drawn(some(), 60, colours=colours, encoding=encoding)
    assert "▀" not in text
    assert "losses" in text


def test_words_tell_the_same_without_drawing() -> None:
    lines = plain_lines(some())
    assert "  losses: from 1 to 0.00503 in 199 steps" in lines
    assert "  losses (losses): mean not finite, std −1.5e-07, 2 of 3 channels dead".replace("e-", "e−") in lines  # noqa: RUF001
    assert plain_lines(Exhibits()) == []
