"""What a learner sees of a report on a terminal, at three widths, with and without colour."""

from __future__ import annotations

import io
import itertools
import math
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from cvlab.report import CheckResult, Isolation, Report
from cvlab.show.terminal import LEVELS, NOT_FINITE, TrainingLine, print_report, sparkline

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def a_console(
    width: int, *, colour: bool = False, terminal: bool = True, environment: dict[str, str] | None = None
) -> Console:
    """Return a console that depends on nothing of the machine's terminal."""
    return Console(
        width=width,
        height=50,
        force_terminal=terminal,
        color_system="standard" if colour else None,
        legacy_windows=False,
        file=io.StringIO(),
        _environ={"TERM": "xterm"} | (environment or {}),
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def printed(report: Report, width: int = 80, *, colour: bool = False, verbose: bool = False) -> str:
    console = a_console(width, colour=colour)
    print_report(report, console, verbose=verbose)
    return written(console)


def cells(line: str) -> int:
    """Return how many cells a terminal gives to `line`, by the Unicode tables instead of rich's."""
    marks = {"Mn", "Me"}
    return sum(
        0 if unicodedata.category(char) in marks else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in line
    )


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_report_looks_as_committed(
    sample: Report, sample_name: str, width: int, colour: bool, assert_snapshot: Callable[[str, str], None]
) -> None:
    name = f"{sample_name}-{width}{'-colour' if colour else ''}.txt"
    assert_snapshot(name, printed(sample, width, colour=colour))


def test_a_verbose_report_looks_as_committed(
    make_sample: Callable[[str], Report], assert_snapshot: Callable[[str, str], None]
) -> None:
    assert_snapshot("one_failure_diagnosed-80-verbose.txt", printed(make_sample("one_failure_diagnosed"), verbose=True))


@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
@pytest.mark.parametrize("width", [24, 25, 60, 61, 80, 120, 400])
def test_no_line_is_wider_than_the_console(sample: Report, width: int, verbose: bool) -> None:
    for line in printed(sample, width, verbose=verbose).split("\n"):
        assert cells(line) <= width, line


def test_a_console_of_no_width_to_speak_of_still_gets_its_report(sample: Report) -> None:
    assert max(map(cells, printed(sample, 8).split("\n"))) <= 8


@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
def test_no_control_character_but_colours_reaches_the_terminal(sample: Report, verbose: bool) -> None:
    text = COLOUR.sub("", printed(sample, colour=True, verbose=verbose)).replace("\n", "")
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")]


def test_no_line_ends_in_spaces(sample: Report) -> None:
    assert not re.search(r" $", printed(sample), re.MULTILINE)


def test_colour_changes_nothing_but_colour(sample: Report) -> None:
    assert COLOUR.sub("", printed(sample, colour=True)) == printed(sample)


def test_a_text_that_nobody_made_visible_cannot_reach_the_terminal_raw(
    make_report: Callable[..., Report], make_check: Callable[..., CheckResult]
) -> None:
    raw = "\x1b[2J\x1b]0;title\x07\u202e"
    check = make_check(0, "failed", title=raw, message=f"{raw}\n{raw}")
    text = printed(make_report("failed", [check], output=raw, notes=[raw], submission=raw))
    assert not set("\x1b\x07\u202e") & set(text)
    assert text.count(r"\x1b[2J\x1b]0;title\x07\u202e") == 7


def test_markup_and_emoji_codes_stay_as_they_were_written(make_sample: Callable[[str], Report]) -> None:
    assert r"[bold]bold[/bold] :boom: \x1b[31mred\x1b[0m" in printed(make_sample("hostile_texts"), 120, colour=True)


def test_numbers_and_names_in_a_message_are_not_highlighted(
    make_report: Callable[..., Report], make_check: Callable[..., CheckResult]
) -> None:
    message = "shape (2, 3) of 'x' is None at http://x.org and True"
    assert message in printed(make_report("failed", [make_check(0, "failed", message=message)]), colour=True)


def test_no_color_leaves_no_colour(make_sample: Callable[[str], Report]) -> None:
    console = a_console(80, colour=True, environment={"NO_COLOR": "1"})
    print_report(make_sample("one_failure_diagnosed"), console)
    codes = {int(code) for found in COLOUR.findall(written(console)) for code in found[2:-1].split(";") if code}
    assert codes <= {0, 1, 2}  # bold and dim are not colours


def test_a_file_gets_no_codes_at_all(sample: Report) -> None:
    console = Console(file=io.StringIO(), width=80, legacy_windows=False, _environ={})
    print_report(sample, console)
    assert "\x1b" not in written(console)


def test_checks_stand_under_their_layers_in_the_order_of_the_layers(
    make_report: Callable[..., Report], make_check: Callable[..., CheckResult]
) -> None:
    report = make_report("passed", [make_check(number, "passed") for number in (8, 3, 0)])
    text = printed(report)
    order = [
        "Shapes and names",
        "The block keeps",
        "Same numbers",
        "With the same",
        "Size and side",
        "The block leaves",
    ]
    assert [text.count(words) for words in order] == [1] * 6
    assert sorted(order, key=text.index) == order
    assert "Gradients" not in text


def test_the_first_failure_is_told_in_full_and_later_ones_in_one_line(make_sample: Callable[[str], Report]) -> None:
    text = printed(make_sample("one_failure_diagnosed"))
    for told in [
        "reference   0.5161",
        "residual_block.py:31",
        "  31 │ return torch",
        "This looks like: ",
        "Hint: Read",
    ]:
        assert text.count(told) == 1
    assert "After 200 steps the loss is 0.61" in text
    assert "stood still" not in text


def test_verbose_tells_later_failures_in_full(make_sample: Callable[[str], Report]) -> None:
    text = printed(make_sample("one_failure_diagnosed"), verbose=True)
    assert "It fell until step 40 and then stood still." in text
    assert "namespaces, landlock, seccomp" in text


def test_a_skipped_check_does_not_repeat_its_reason(make_sample: Callable[[str], Report]) -> None:
    report = make_sample("import_error")
    assert sum(check.message.startswith("Your file could not be imported.") for check in report.checks) == 9
    assert printed(report).count("could not be imported") == 1


@pytest.mark.parametrize(
    ("name", "closing"),
    [
        ("all_passed", "9 of 9 checks, 20 of 20 points\nEvery check passed."),
        ("one_failure_diagnosed", "7 of 9 checks, 13 of 20 points\nMend this one first, then run the check again."),
        ("grader_error", "8 of 9 checks, 17 of 20 points\ncvlab itself broke here; your work lost no point."),
        ("hostile_texts", "Mend this one first, then run the check again.\nIn another check cvlab itself broke;"),
    ],
)
def test_the_closing_line_counts_and_says_what_to_do(
    name: str, closing: str, make_sample: Callable[[str], Report]
) -> None:
    assert f"\n{closing}" in printed(make_sample(name))


def test_a_report_without_checks_says_that_cvlab_broke(make_report: Callable[..., Report]) -> None:
    text = printed(make_report("error", []), 120)
    assert "0 of 0 checks, 0 of 0 points" in text
    assert "your work lost no point. Please report it: no check was run." in text


def test_a_report_with_nothing_judged_asks_for_another_run(
    make_report: Callable[..., Report], make_check: Callable[..., CheckResult]
) -> None:
    assert "Please run the check again." in printed(make_report("failed", [make_check(0, "skipped")]))


def test_missing_protections_are_named_and_present_ones_are_not(make_report: Callable[..., Report]) -> None:
    isolation = Isolation(mode="sandbox", layers=["seccomp"], missing=["landlock", "cgroups"])
    text = printed(make_report("error", [], isolation=isolation))
    assert "ran in: sandbox, without landlock and cgroups\n" in text
    assert "seccomp" not in text


def test_what_the_submission_printed_is_cut_after_ten_lines(make_report: Callable[..., Report]) -> None:
    text = printed(make_report("error", [], output="".join(f"line {number}\n" for number in range(12))))
    assert "Your code printed:\n  line 0\n" in text
    assert text.endswith("  line 9\n  … and 2 more lines\n")


@pytest.mark.parametrize("output", ["", "\n \n"])
def test_a_submission_that_printed_nothing_gets_no_heading(output: str, make_report: Callable[..., Report]) -> None:
    assert "printed" not in printed(make_report("error", [], output=output))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp850", "utf-8", "utf-16"])
def test_a_file_of_any_encoding_can_be_written(sample: Report, encoding: str) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="\n") as file:
        print_report(sample, Console(file=file, width=60, legacy_windows=False, _environ={}))
        file.flush()
        text = raw.getvalue().decode(encoding)
    assert max(map(cells, text.split("\n"))) <= 60
    assert sample.drill in text


def test_a_file_without_our_symbols_gets_plainer_ones(make_sample: Callable[[str], Report]) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", newline="\n") as file:
        print_report(make_sample("one_failure_diagnosed"), Console(file=file, width=80, _environ={}))
        file.flush()
        text = raw.getvalue().decode()
    assert "  + The block keeps" in text
    assert "| x With the same weights" in text
    assert "\\u" not in text


def test_printing_a_report_imports_nothing_heavy() -> None:
    script = "import sys, cvlab.show.terminal, cvlab.show.plain; print({'torch', 'numpy', 'pytest'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


# The sparkline


def test_a_sparkline_of_a_rising_ramp_uses_every_level_once() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_of_a_falling_loss_falls() -> None:
    assert sparkline([4.0, 2.0, 1.0, 0.0], 10) == "█▅▃▁"


def test_a_sparkline_shows_the_latest_values_that_fit() -> None:
    assert sparkline([100.0, 0.0, 1.0], 2) == "▁█"


@pytest.mark.parametrize("width", [0, -3])
def test_a_sparkline_without_room_is_empty(width: int) -> None:
    assert sparkline([1.0, 2.0], width) == ""


def test_a_sparkline_of_nothing_is_empty() -> None:
    assert sparkline([], 10) == ""


@pytest.mark.parametrize("value", [0.0, -1.5, 1e300, 5e-324])
def test_a_flat_sparkline_runs_in_the_middle(value: float) -> None:
    assert sparkline([value] * 3, 10) == "▄▄▄"


def test_values_that_are_not_finite_are_crosses_and_leave_the_others_alone() -> None:
    assert sparkline([math.nan, 0.0, math.inf, 7.0, -math.inf], 10) == "×▁×█×"  # noqa: RUF001, the sign
    assert sparkline([math.nan], 10) == NOT_FINITE


@pytest.mark.parametrize("values", list(itertools.permutations([-1.7e308, 1.7e308, 0.0, 5e-324], 3)))
def test_a_sparkline_survives_the_ends_of_the_float_range(values: tuple[float, ...]) -> None:
    line = sparkline(values, 10)
    assert len(line) == 3
    assert set(line) <= set(LEVELS)


# The training line


class Screen:
    """A terminal of one column of lines, just clever enough for what a live display sends."""

    CODES = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")

    def __init__(self, sent: str) -> None:
        self.lines = [""]
        row = column = 0
        assert "".join(found.group() for found in self.CODES.finditer(sent)) == sent, "a code this screen cannot read"
        for found in self.CODES.finditer(sent):
            argument, code, carriage_return, newline, text = found.groups()
            if carriage_return:
                column = 0
            elif newline:
                row, column = row + 1, 0
                self.lines += [""] * (row + 1 - len(self.lines))
            elif text:
                self.lines[row] = self.lines[row][:column].ljust(column) + text
                column += len(text)
            elif code == "A":
                row -= int(argument or 1)
            elif code == "K":
                assert argument == "2"
                self.lines[row] = ""
            else:
                assert code == "m" or (argument == "?25" and code in "hl"), found.group()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    return Clock()


def test_the_training_line_shows_the_fall_the_step_and_the_loss(clock: Clock) -> None:
    console = a_console(80, colour=True)
    with TrainingLine(console, clock=clock) as line:
        for step, value in enumerate([4.0, 2.0, 1.0, 0.25], 1):
            line.update(step, 200, value)
            clock.now += 1
        assert Screen(written(console)).lines == ["training  █▄▂▁  step 4 of 200, loss 0.25"]


def test_the_training_line_is_gone_when_the_training_ends(clock: Clock) -> None:
    console = a_console(80, colour=True)
    with TrainingLine(console, clock=clock) as line:
        line.update(1, 2, 1.0)
    console.print("after")
    assert Screen(written(console)).lines == ["after", ""]


def test_the_training_line_is_gone_when_the_training_raises(clock: Clock) -> None:
    console = a_console(80)

    def train() -> None:
        with TrainingLine(console, clock=clock) as line:
            line.update(1, 2, 1.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert not any(Screen(written(console)).lines)
    assert written(console).count("\x1b[?25l") == written(console).count("\x1b[?25h") == 1  # the cursor is back


def test_the_training_line_is_drawn_at_most_twelve_times_a_second(clock: Clock) -> None:
    console = a_console(80)
    with TrainingLine(console, clock=clock) as line:
        for step in range(1000):
            line.update(step, 1000, 1.0)
            clock.now += 0.001
        drawings = written(console).count("training")
    assert 10 <= drawings <= 12


def test_the_training_line_remembers_forty_values(clock: Clock) -> None:
    console = a_console(120)
    with TrainingLine(console, clock=clock) as line:
        for step in range(100):
            line.update(step, 100, 100.0 - step)
            clock.now += 1
        shown = Screen(written(console)).lines[-1]
    assert sum(character in LEVELS for character in shown) == 40


@pytest.mark.parametrize("width", [12, 20, 40, 60, 120])
@pytest.mark.parametrize(
    ("step", "steps", "value"),
    [
        (1, 200, math.nan),
        (1, 200, math.inf),
        (1, 200, -math.inf),
        (1, 200, -3.0),
        (1, 200, 1e300),
        pytest.param(1, 200, 10**400, id="more than any float"),
        (1, 200, True),
        (300, 200, 1.0),
        (-1, -1, 1.0),
        pytest.param(10**5000, 10**5000, 1.0, id="more digits than Python prints"),
    ],
)
def test_no_number_a_submission_can_make_up_breaks_the_training_line(
    step: int, steps: int, value: float, width: int, clock: Clock
) -> None:
    console = a_console(width)
    with TrainingLine(console, clock=clock) as line:
        for number in (1.0, value, 0.5, value):
            line.update(step, steps, number)
            clock.now += 1
        screen = Screen(written(console)).lines
    assert len(screen) == 1
    assert 0 < cells(screen[0]) <= width


@pytest.mark.parametrize(
    ("value", "words"), [(math.nan, "loss not a number"), (-math.inf, "loss infinite"), (1e300, "loss 1e+300")]
)
def test_the_training_line_says_what_kind_of_number_the_loss_is(value: float, words: str, clock: Clock) -> None:
    console = a_console(80)
    with TrainingLine(console, clock=clock) as line:
        line.update(300, 200, value)
        assert Screen(written(console)).lines[0].endswith(f"step 200 of 200, {words}")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm"}], ids=["dumb terminal", "file"])
def test_the_training_line_draws_nothing_where_it_could_not_be_erased(
    environment: dict[str, str], clock: Clock
) -> None:
    console = a_console(80, terminal=environment["TERM"] == "dumb", environment=environment)
    with TrainingLine(console, clock=clock) as line:
        line.update(1, 2, 1.0)
    assert written(console) == ""


def test_an_update_outside_the_training_draws_nothing(clock: Clock) -> None:
    console = a_console(80)
    TrainingLine(console, clock=clock).update(1, 2, 1.0)
    assert written(console) == ""


def test_the_training_line_starts_no_thread(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("a thread next to a fork")

    monkeypatch.setattr("threading.Thread.start", refuse)
    with TrainingLine(a_console(80), clock=clock) as line:
        line.update(1, 2, 1.0)
