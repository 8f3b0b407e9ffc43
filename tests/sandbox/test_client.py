"""The grader's side of an interview: every question gets its outcome, and nothing is left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import itertools
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from cvlab.errors import SandboxError
from cvlab.limits import Limits
from cvlab.sandbox import lessons, talk, watch
from cvlab.sandbox.client import Interview, Sandbox
from cvlab.sandbox.inline import InlineInterview
from cvlab.sandbox.keeper import PlainProcess
from cvlab.sandbox.outcome import Answer, Frame, Lost, Raised
from cvlab.sandbox.supervisor import Ended, Ready, Usage
from cvlab.sandbox.worker import Solution, Task, load_probes

from .conftest import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux's own means")

QUICK = Limits(probe_cpu_seconds=0.5, total_cpu_seconds=20.0, idle_seconds=1.0, memory_mb=300)

#: Every probe calls the function of its own name in the submission.
PROBES = "".join(
    f"def {name}(solution, **arguments):\n    return solution.{name}(**arguments)\n\n"
    for name in ("first", "second", "third", "fourth", "fifth", "sixth", "count", "seen", "handed")
)

#: What a submission needs to speak for its worker.
FORGER = """
import json, os, socket, struct, sys

def framed(header):
    header = json.dumps(header).encode()
    return struct.pack("<I", len(header)) + header

def question():
    frame = sys._getframe()
    while frame.f_code.co_name != "serve":
        frame = frame.f_back
    return frame.f_locals["header"]

def answer(value, **changes):
    asked = question()
    return framed({"kind": "answer", "ask": asked.ask, "nonce": asked.nonce, "body": 0, "value": value, **changes})

def say(data):
    line = socket.socket(fileno=os.dup(3))
    line.sendall(data)
    line.close()
"""


@pytest.fixture(scope="module")
def sandbox(bank) -> Iterator[Sandbox]:
    made = Sandbox("sandbox", bank.hidden())
    yield made
    made.close()


@pytest.fixture
def interview(sandbox):
    """Start an interview of the given source; all are closed in the end."""
    with contextlib.ExitStack() as stack:

        def start(source, limits=QUICK, *, at=sandbox, on_progress=None):
            task = Task(Solution("submission.py", dedent(source)), PROBES, 7)
            made = Interview(at, task, limits, on_progress)
            stack.callback(made.close)
            return made

        yield start


def changed(limits=QUICK, **fields):
    return Limits(**({name: getattr(limits, name) for name in limits.__struct_fields__} | fields))


def reason(outcome):
    assert isinstance(outcome, Lost), outcome
    return outcome.reason


# ------------------------------------------------------------------------------------------------- asking and answering

COUNTER = """
calls = []

def first(): return note("first")
def second(): return note("second")
def third(): return note("third")
def count(**arguments): return note("count")
def seen(): return list(calls)
def note(name):
    calls.append(name)
    return len(calls)
"""


def test_answers_belong_to_their_questions_in_whatever_order_they_are_asked(interview):
    asked = interview("def first(): return 1\ndef second(): return 2\ndef third(): return 3")
    asked.expect(["first", "second", "third"])
    assert [asked.ask(name) for name in ("third", "first", "second")] == [Answer(3), Answer(1), Answer(2)]


def test_asked_twice_is_asked_once(interview):
    asked = interview(COUNTER)
    asked.expect(["first", "second", "first"])
    asked.expect(["second"])
    answers = [asked.ask(name) for name in ("first", "second", "first", "second")]
    assert answers == [Answer(1), Answer(2), Answer(1), Answer(2)]
    assert asked.ask("seen") == Answer(["first", "second"])


def test_a_question_that_nobody_expected_may_come_late(interview):
    asked = interview(COUNTER)
    asked.expect(["first"])
    assert asked.ask("first") == Answer(1)
    assert asked.ask("third") == Answer(2)
    asked.expect(["second"])
    assert asked.ask("second") == Answer(3)


def test_expected_questions_are_answered_before_they_are_asked(interview):
    asked = interview(COUNTER)
    asked.ask("first")
    asked.expect(["second"])
    readable, _, _ = select.select([asked._talk.keeper.data], [], [], 20)
    assert readable  # nobody has asked for it, and the reply is here
    assert asked.ask("second") == Answer(2)


def test_arguments_are_handed_over_as_plain_data(interview):
    asked = interview("def handed(**arguments): return [type(arguments['pair']).__name__, arguments]")
    got = asked.ask("handed", {"weights": {"a": torch.ones(2, 3)}, "pair": (1, "b")}).value
    assert got[0] == "list"
    assert got[1]["pair"] == [1, "b"]
    assert torch.equal(got[1]["weights"]["a"], torch.ones(2, 3))


@pytest.mark.parametrize("where", ["sandbox", "inline"])
def test_equal_arguments_are_one_question_and_others_another(interview, where):
    asked = interview(COUNTER) if where == "sandbox" else inline(COUNTER)
    # A fresh dict each time, as checks make them: what counts is what is in it, not where it lies in memory.
    answers = [asked.ask("count", {"x": torch.full((2,), float(n))}).value for n in (1, 2, 1, 3, 2, 3)]
    assert answers == [1, 2, 1, 3, 2, 3]
    assert asked.ask("count") == asked.ask("count", {}) == Answer(4)


def test_an_exception_is_told_with_its_line(interview):
    asked = interview("def first():\n    return deeper()\n\ndef deeper():\n    raise ValueError('no')")
    frames = (Frame(2, "first"), Frame(5, "deeper"))
    assert asked.ask("first") == Raised("ValueError", "no", line=5, frames=frames, deliberate=True)
    assert asked.ask("second").missing == "second"


# --------------------------------------------------------------------------------------------------------- lost answers


@pytest.mark.parametrize(
    ("does", "why", "says"),
    [
        ("os._exit(3)", "crashed", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV) or os.abort()", "crashed", "SIG"),
        ("spin()", "cpu", "no answer after 0.5 seconds of computing"),
        ("time.sleep(1e6)", "idle", "no computing either, for 1 seconds"),
        ("b'x' * (600 << 20) and keep()", "memory", "300 MB"),
        ("os.close(3) or time.sleep(1e6)", "crashed", "closed its line to the grader"),
    ],
    ids=["exit", "signal", "computing", "sleeping", "memory", "hanging up"],
)
def test_a_lost_answer_costs_its_question_alone(interview, does, why, says):
    source = f"""
        import os, signal, time
        held = []
        def spin():
            while True: pass
        def keep():
            while True: held.append(bytearray(50 << 20)); held[-1][::4096] = b"x" * len(held[-1][::4096])
        def first(): return 1
        def second(): return {does}
        def third(): return 3
    """
    asked = interview(source)
    asked.expect(["first", "second", "third"])
    outcomes = [asked.ask(name) for name in ("first", "second", "third")]
    assert (outcomes[0], outcomes[2]) == (Answer(1), Answer(3))
    if isinstance(outcomes[1], Raised):
        assert (why, outcomes[1].type) == ("memory", "MemoryError")  # the rlimit may come before the supervisor
    else:
        assert reason(outcomes[1]) == why
        assert says in outcomes[1].detail
    assert asked.ask("second") is outcomes[1]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import os; os._exit(0)", "crashed"),
        ("while True: pass", "cpu"),
        ("import time; time.sleep(1e6)", "idle"),
        ("import os; os.close(3); os._exit(0)", "crashed"),
    ],
    ids=["exit", "computing", "sleeping", "hanging up"],
)
def test_a_file_that_gives_nothing_back_while_it_is_loaded_is_asked_nothing(interview, source, why):
    asked = interview(source)
    outcomes = [asked.ask(name) for name in ("first", "second", "first")]
    assert {reason(outcome) for outcome in outcomes} == {why}
    assert {outcome.stage for outcome in outcomes} == {"load"}
    assert asked._workers_left == QUICK.workers - 1  # one attempt tells it all


def test_a_file_that_raises_while_it_is_loaded_tells_every_question_so(interview):
    asked = interview("x = 1\nraise OSError('no file')")
    assert asked.ask("first") == Raised(
        "OSError", "no file", stage="load", line=2, frames=(Frame(2, "<module>"),), deliberate=True
    )
    assert asked.ask("second") is asked.ask("first")


def test_when_all_workers_are_used_up_the_rest_is_not_asked(interview):
    source = "import os\ndef first(): os._exit(1)\nsecond = third = first\ndef fourth(): return 4"
    asked = interview(source, changed(workers=3))
    asked.expect(["first", "second", "third", "fourth"])
    reasons = [reason(asked.ask(name)) for name in ("first", "second", "third", "fourth", "fifth")]
    assert reasons == ["crashed", "crashed", "crashed", "budget", "budget"]


def test_a_worker_that_closes_its_output_and_then_dies_is_a_crash_like_any_other(interview):
    asked = interview("import os\ndef first():\n    os.close(1); os.close(2); os._exit(5)\ndef second(): return 2")
    assert "exit code 5" in asked.ask("first").detail
    assert asked.ask("second") == Answer(2)


def test_large_answers_are_kept_until_their_room_is_full(interview):
    source = "import torch\nfor name in ('first', 'second', 'third', 'fourth', 'fifth'):\n"
    source += "    globals()[name] = lambda: torch.zeros(1_000_000, dtype=torch.uint8)\ndef sixth(): return 6"
    asked = interview(source, changed(reply_mb=1))  # 4 MB in all, and each value weighs a little too
    outcomes = [asked.ask(name) for name in ("first", "second", "third", "fourth", "fifth", "sixth")]
    assert [type(outcome) for outcome in outcomes[:4]] == [Answer] * 4
    assert outcomes[4] == Lost("reply", "all answers together take more than 4 MB")


class Ending:
    """A keeper whose worker has ended as the test says."""

    def __init__(self, ended):
        self._ended = ended

    def ready(self):
        return Ready()

    def last_words(self, seconds):
        return self._ended


@pytest.mark.parametrize(
    ("ended", "why", "says"),
    [
        (None, "crashed", "it closed its line to the grader before it answered"),
        (Ended(-9, reason="memory"), "memory", "it used more than 300 MB of memory"),
        (Ended(-9, reason="files"), "files", "it wrote more than 64 MB of files"),
        (Ended(-signal.SIGXCPU), "cpu", "the kernel stopped it at its limit of computing time"),
        (Ended(-9), "crashed", "the process was killed, which is what the kernel does at the limit of computing time"),
        (Ended(-11), "crashed", "the process was ended by signal SIGSEGV"),
        (Ended(-40), "crashed", "the process was ended by signal 40"),
        (Ended(0), "crashed", "the process ended itself (exit code 0) before it answered"),
    ],
    ids=str,
)
def test_every_way_to_end_has_its_words(ended, why, says):
    gone = talk._end_of(Ending(ended), QUICK)
    assert gone.reason == why
    assert gone.detail.startswith(says)


# ------------------------------------------------------------------------------------------------------- processor time


def test_processor_time_is_counted_over_all_workers(interview):
    source = "def first():\n    while True: pass\nsecond = third = fourth = fifth = sixth = first"
    asked = interview(source, changed(total_cpu_seconds=1.4, workers=10))
    reasons = [reason(asked.ask(name)) for name in ("first", "second", "third", "fourth", "fifth", "sixth")]
    # Half a second each, and what passes before the first look: the third at the latest finds nothing left.
    assert reasons[0] == "cpu"
    assert reasons[3:] == ["budget"] * 3
    assert asked.cpu_seconds >= 1.4 or "budget" in reasons


def test_the_kernels_limit_for_a_second_worker_is_what_the_first_left(interview):
    source = """
        import os, resource, time
        def first(): return list(resource.getrlimit(resource.RLIMIT_CPU))
        def second():
            while time.process_time() < 2.2: pass
            os._exit(1)
        third = lambda: list(resource.getrlimit(resource.RLIMIT_CPU))
    """
    asked = interview(source, changed(probe_cpu_seconds=5.0, total_cpu_seconds=10.0))
    assert asked.ask("first") == Answer([11, 12])
    assert reason(asked.ask("second")) == "crashed"
    soft, hard = asked.ask("third").value
    assert 8 <= soft <= 9
    assert hard == soft + 1


def test_children_count_in_the_limit_of_all_questions(interview):
    source = """
        import os, time
        def first():
            if os.fork() == 0:
                while time.process_time() < 0.7: pass
                os._exit(0)
            os.wait()
            return "done"
        second = third = fourth = first
    """
    asked = interview(source, changed(probe_cpu_seconds=5.0, total_cpu_seconds=1.5))
    outcomes = [asked.ask(name) for name in ("first", "second", "third", "fourth")]
    assert outcomes[0] == Answer("done")
    lost = [outcome for outcome in outcomes if isinstance(outcome, Lost)]
    assert [reason(outcome) for outcome in lost][:1] == ["cpu"]
    assert "all questions together had taken 1.5 seconds" in lost[0].detail


class Clockwork:
    """A keeper whose worker uses what the test says, and a clock that the test moves."""

    def __init__(self, monkeypatch, limits):
        self.now, self.cpu, self.alive, self.start_cpu_seconds = 100.0, 0.0, True, 0.0
        monkeypatch.setattr(watch, "time", types.SimpleNamespace(monotonic=lambda: self.now))
        self.watch = watch.Watch(self, limits, 0.0)

    def usage(self):
        return Usage(self.cpu) if self.alive else None

    def passes(self, seconds, cpu):
        """Let time pass and look; return why the worker was given up, if it was."""
        self.now, self.cpu = self.now + seconds, self.cpu + cpu
        try:
            return "there" if self.watch.look() else "ended"
        except watch.Gone as gone:
            return gone.reason


@pytest.fixture
def clockwork(monkeypatch):
    return Clockwork(monkeypatch, Limits(probe_cpu_seconds=10.0, total_cpu_seconds=60.0, idle_seconds=10.0))


def test_what_was_computed_before_the_first_look_is_not_held_against_a_question(clockwork):
    assert clockwork.passes(30.0, cpu=25.0) == "there"  # at earlier questions, while the grader was busy
    assert clockwork.passes(9.9, cpu=9.9) == "there"
    assert clockwork.passes(0.25, cpu=0.25) == "cpu"


def test_every_question_has_its_own_time(clockwork):
    for _ in range(5):
        assert [clockwork.passes(1.0, cpu=1.0) for _ in range(10)] == ["there"] * 10
        clockwork.watch.begin()


def test_all_questions_together_have_theirs_without_a_margin(clockwork):
    for _ in range(6):
        clockwork.watch.begin()
        assert clockwork.passes(9.9, cpu=9.9) == "there"
    clockwork.watch.begin()
    assert clockwork.passes(1.0, cpu=1.0) == "cpu"


def test_waiting_is_given_up_after_its_time_and_not_before(clockwork):
    looks = [clockwork.passes(0.25, cpu=0.0) for _ in range(41)]
    assert looks == ["there"] * 40 + ["idle"]


def test_now_and_then_a_little_computing_is_still_waiting(clockwork):
    looks = [clockwork.passes(0.25, cpu=0.01 if number % 10 == 9 else 0.0) for number in range(60)]
    assert "idle" in looks


def test_slow_computing_on_a_busy_machine_is_not_waiting(clockwork):
    assert {clockwork.passes(0.25, cpu=0.01) for _ in range(400)} == {"there"}


def test_a_grader_that_was_stopped_does_not_blame_the_worker(clockwork):
    assert clockwork.passes(3600.0, cpu=0.0) == "there"
    assert clockwork.passes(3600.0, cpu=0.0) == "there"


def test_a_worker_that_has_ended_is_not_given_up_but_read_to_its_end(clockwork):
    clockwork.alive = False
    assert clockwork.passes(3600.0, cpu=0.0) == "ended"


# -------------------------------------------------------------------------------------------------------- false replies


def test_a_second_reply_to_one_question_costs_the_next(interview):
    asked = interview(FORGER + "def first(): say(answer('mine')); return 'own'\ndef second(): return 2")
    asked.expect(["first", "second"])
    assert asked.ask("first") == Answer("mine")
    assert asked.ask("second") == Lost("reply", "it answers a question that was not asked")
    assert asked.ask("third").missing == "third"


@pytest.mark.parametrize("change", [{"nonce": "0" * 16}, {"ask": 99}, {"ask": 0}], ids=str)
def test_a_reply_to_another_question_is_none(interview, change):
    asked = interview(FORGER + f"def first(): say(answer(1, **{change})); os._exit(0)\ndef second(): return 2")
    assert asked.ask("first") == Lost("reply", "it answers a question that was not asked")
    assert asked.ask("second") == Answer(2)


def test_nonsense_after_an_answer_costs_the_next_question_only(interview):
    source = FORGER + "def first(): say(answer(1) + struct.pack('<I', 1 << 31)); os._exit(0)\ndef second(): return 2"
    asked = interview(source + "\ndef third(): return 3")
    asked.expect(["first", "second", "third"])
    assert asked.ask("first") == Answer(1)
    assert reason(asked.ask("second")) == "reply"
    assert asked.ask("third") == Answer(3)


RAISED = {
    **{"type": "E", "message": "", "stage": "probe", "line": 1, "missing": None},
    **{"frames": [], "deliberate": False, "layer": None, "nearest": None},
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        RAISED | {"type": 1},
        RAISED | {"line": "1"},
        RAISED | {"frames": [["a", 1]]},
        RAISED | {"deliberate": 1},
        RAISED | {"layer": ["self.stem"]},
        RAISED | {"nearest": []},
        RAISED | {"points": 100},
    ],
    ids=["empty", "type", "line", "frames", "deliberate", "layer", "nearest", "more"],
)
def test_an_exception_in_an_unknown_form_is_none(interview, fields):
    value = {"d": [[name, {"d": []} if item == {} else item] for name, item in fields.items()]}
    asked = interview(FORGER + f"def first(): say(answer({value!r}, kind='raised')); os._exit(0)")
    assert asked.ask("first") == Lost("reply", "it tells of an exception in an unknown form")


def test_a_forged_exception_is_bounded(interview):
    long = "x" * 50_000
    fields = [["type", long], ["message", long], ["stage", long], ["line", -5], ["missing", long]]
    fields += [["frames", [[number, long, 1 << 60] for number in range(9)]], ["deliberate", True]]
    fields += [["layer", [long, long]], ["nearest", long]]
    source = f"long = 'x' * 50_000\ndef first(): say(answer({{'d': {fields!r}}}, kind='raised')); os._exit(0)"
    asked = interview(FORGER + source.replace(repr(long), "long"))
    raised = asked.ask("first")
    assert isinstance(raised, Raised)
    assert raised.stage == "probe"
    assert len(repr(raised)) < 10_000


# -------------------------------------------------------------------------------------------------- output and progress


def test_what_is_printed_is_kept(interview):
    asked = interview(
        "import sys\nprint('loaded')\ndef first():\n    print('asked', flush=True); print('aside', file=sys.stderr)"
    )
    asked.ask("first")
    asked.close()
    assert asked.output.decode().splitlines() == ["loaded", "asked", "aside"]


def test_a_flood_of_output_is_cut_and_keeps_nobody_from_answering(interview):
    asked = interview("import os\ndef first():\n    for _ in range(4000): os.write(1, b'o' * 4096)\n    return 1")
    assert asked.ask("first") == Answer(1)
    asked.close()
    assert asked.output == b"o" * (QUICK.output_kb << 10)


def test_output_of_a_worker_that_died_is_kept(interview):
    asked = interview("import os\ndef first():\n    os.write(2, b'last words'); os._exit(1)")
    asked.ask("first")
    assert asked.output == b"last words"


def test_progress_is_told_in_order_and_before_the_answer(interview):
    heard = []
    source = "from cvlab.probing import progress\ndef first():\n"
    source += "    for step in (1, 2, 3): progress.report(step, 3, 1.0 / step)\n    return 'done'"
    asked = interview(source, on_progress=lambda *told: heard.append(told))
    assert asked.ask("first") == Answer("done")
    assert heard == [(1, 3, 1.0), (2, 3, 0.5), (3, 3, 1 / 3)]


def test_a_loss_that_is_not_finite_is_told_as_it_is(interview):
    heard = []
    source = "from cvlab.probing import progress\ndef first():\n"
    source += "    for loss in (float('nan'), float('inf')): progress.report(1, 2, loss)"
    asked = interview(source, on_progress=lambda *told: heard.append(told))
    assert asked.ask("first") == Answer(None)
    assert math.isnan(heard[0][2])
    assert heard[1] == (1, 2, math.inf)


def test_progress_that_makes_no_sense_is_not_told(interview):
    heard = []
    odd = [None, 1, "text", [1, 2], [1, 2, "loss"], [-1, 2, 0.5], [3, 2, 0.5], [1.0, 2, 0.5], {"d": []}, [1, 2, 0.5, 4]]
    source = FORGER + f"def first():\n    for value in {odd!r}: say(answer(value, kind='progress'))\n    return 1"
    asked = interview(source, on_progress=lambda *told: heard.append(told))
    assert asked.ask("first") == Answer(1)
    assert heard == []


def test_progress_without_end_is_given_up(interview, monkeypatch):
    monkeypatch.setattr(talk, "MAX_PROGRESS", 1000)
    heard = []
    source = (
        FORGER + "def first():\n    while True: say(answer([1, 2, 0.5], kind='progress') * 500)\ndef second(): return 2"
    )
    asked = interview(source, on_progress=lambda *told: heard.append(told))
    assert asked.ask("first") == Lost("reply", "it tells of progress more than 1,000 times")
    assert len(heard) == 1000
    assert asked.ask("second") == Answer(2)


@pytest.mark.parametrize(
    ("does", "why"), [("time.sleep(0.6)", "idle"), ("sum(range(10_000_000))", "cpu")], ids=["sleeping", "computing"]
)
def test_progress_buys_no_time(interview, does, why):
    source = f"""
        import time
        from cvlab.probing import progress
        def first():
            while True:
                progress.report(1, 2, 0.5)
                {does}
    """
    assert reason(interview(source).ask("first")) == why


# ------------------------------------------------------------------------------------------------------ the other modes


def inline(source, **options):
    return InlineInterview(Task(Solution("inline_submission.py", dedent(source)), PROBES, 7), **options)


@pytest.fixture(scope="module")
def processes() -> Sandbox:
    return Sandbox("process")


def flat(value):
    """The answer as one comparable value, with the exact bytes of tensors."""
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), tuple(value.shape), value.numpy().tobytes())
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    return repr(value)


def test_every_mode_gets_the_same_answers_of_the_first_drills_reference(bank, sandbox, processes):
    drill = bank.find("01")
    task = Task(Solution(drill.about.file, drill.reference.read_text()), drill.probes.read_text(), 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a worker, for sums are added in another order by two threads
    try:
        modes = {
            "sandbox": Interview(sandbox, task, Limits()),
            "process": Interview(processes, task, Limits()),
            "inline": InlineInterview(task),
        }
        probes = [
            name
            for name, probe in vars(modes["inline"]._probes).items()
            if isinstance(probe, types.FunctionType)
            and probe.__module__ == "probes"
            and not name.startswith("_")
            and probe.__code__.co_argcount == 1
        ]
        assert len(probes) > 20
        for asked in modes.values():
            asked.expect(probes)
        for name in probes:
            answers = {mode: flat(asked.ask(name).value) for mode, asked in modes.items()}
            assert answers["process"] == answers["sandbox"], name
            assert answers["inline"] == answers["sandbox"], name
        weights = modes["inline"].ask("overfit").value["weights"]
        judged = {mode: flat(asked.ask("loss_with_weights", {"weights": weights})) for mode, asked in modes.items()}
        assert len(set(judged.values())) == 1
        assert [asked.close().mode for asked in modes.values()] == ["sandbox", "process", "inline"]
    finally:
        torch.set_num_threads(threads)


def test_a_plain_process_may_be_lost_and_replaced_too(interview, processes):
    source = """
        import os, time
        print("hello")
        def first(): os._exit(4)
        def second(): time.sleep(1e6)
        def third(): return 3
    """
    asked = interview(source, changed(idle_seconds=3.0), at=processes)
    assert "exit code 4" in asked.ask("first").detail
    assert reason(asked.ask("second")) == "idle"
    assert asked.ask("third") == Answer(3)
    asked.close()
    assert asked.output == b"hello\n" * 3
    assert asked.isolation.missing == ["sandbox (mode process was used)"]


def test_starting_python_is_not_the_submissions_computing(interview, processes):
    # Importing torch takes more than this by far.
    asked = interview("def first(): return 1", changed(probe_cpu_seconds=0.2, total_cpu_seconds=0.5), at=processes)
    assert asked.ask("first") == Answer(1)


def test_a_process_that_outlives_its_parent_does_not_keep_its_line_open(interview, processes):
    source = """
        import os, time
        def first():
            child = os.fork()
            if child == 0:
                os.setsid()
                time.sleep(120)
                os._exit(0)
            os.write(1, str(child).encode())
            os._exit(6)
        def second(): return 2
    """
    asked = interview(source, changed(idle_seconds=30.0), at=processes)
    try:
        assert "exit code 6" in asked.ask("first").detail
        assert asked.ask("second") == Answer(2)
    finally:
        os.kill(int(asked.output), signal.SIGKILL)


def test_a_process_that_stays_in_the_group_is_ended_with_it(processes):
    keeper = PlainProcess(Limits())
    try:
        folder = Path(keeper._process.args[4])
        assert folder.is_dir()
        keeper.hang_up()
        keeper.hang_up()
        assert keeper.last_words(0.0).exit_code == -signal.SIGKILL
    finally:
        keeper.close()
        keeper.close()
    assert not folder.exists()


def test_inline_answers_are_nobodys_to_change():
    asked = inline("import torch\nweights = torch.zeros(2)\ndef first(): return weights\ndef second(): weights.add_(1)")
    answer = asked.ask("first").value
    asked.ask("second")
    assert torch.equal(answer, torch.zeros(2))


def test_inline_arguments_are_nobodys_to_change():
    asked = inline("def handed(x): x.add_(1); return x")
    x = torch.zeros(2)
    assert torch.equal(asked.ask("handed", {"x": x}).value, torch.ones(2))
    assert torch.equal(x, torch.zeros(2))


def test_inline_a_ctrl_c_passes_through_and_all_else_is_an_outcome():
    asked = inline("def first(): raise KeyboardInterrupt\ndef second(): raise SystemExit(0)")
    with pytest.raises(KeyboardInterrupt):
        asked.ask("first")
    assert asked.ask("second") == Raised("SystemExit", "0", line=2, frames=(Frame(2, "second"),), deliberate=True)
    with pytest.raises(KeyboardInterrupt):
        inline("raise KeyboardInterrupt")


def test_inline_a_debugger_sees_the_exception_itself():
    seen: list[BaseException] = []
    asked = inline("def first(): raise OSError('here')", on_error=seen.append)
    assert asked.ask("first").type == "OSError"
    assert [repr(error) for error in seen] == ["OSError('here')"]
    assert seen[0].__traceback__ is not None


def test_inline_a_quiet_one_keeps_its_warnings_to_itself():
    source = "import warnings\nwarnings.warn('loading')\ndef first(): warnings.warn('asked')"
    with pytest.warns(UserWarning, match="loading|asked") as heard:
        inline(source).ask("first")
    assert [str(warning.message) for warning in heard] == ["loading", "asked"]
    with warnings.catch_warnings(record=True) as heard:
        assert inline(source, quiet=True).ask("first") == Answer(None)
    assert heard == []


def test_inline_a_closed_interview_knows_its_answers_and_no_more():
    asked = inline("def first(): return 1")
    asked.ask("first")
    assert asked.close() == asked.close()
    assert asked.ask("first") == Answer(1)
    with pytest.raises(SandboxError, match="closed"):
        asked.ask("second")


# ------------------------------------------------------------------------------------------- closing, breaking, leaking


def children(pid):
    """All processes below `pid`, whether alive or waiting to be waited for."""
    found, todo = set(), [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                below = [int(child) for child in (thread / "children").read_text().split()]
                found |= set(below)
                todo += below
    return found


@dataclasses.dataclass(frozen=True)
class Belongings:
    """What a process could leave behind."""

    handles: int
    processes: frozenset[int]
    files: frozenset[str]

    @classmethod
    def now(cls) -> Belongings:
        gc.collect()
        files = os.listdir(tempfile.gettempdir())
        return cls(len(os.listdir("/proc/self/fd")), frozenset(children(os.getpid())), frozenset(files))


def settled():
    """What there is once all below a nursery are gone: supervisors end after their last word, unwaited for."""
    deadline = time.monotonic() + PATIENCE
    for pid in children(os.getpid()):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if not stands(pid):
                handle = os.pidfd_open(pid)
                select.select([handle], [], [], PATIENCE)
                os.close(handle)
                # The dead are listed until their parent has buried them, which nobody else can wait for.
                while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                    time.sleep(0.005)
    return Belongings.now()


def stands(pid):
    """Whether a process of ours stays as long as we like: our own children, and the nursery in its namespace."""
    if parent_of(pid) == os.getpid():
        return True
    return parent_of(parent_of(pid)) == os.getpid() and levels(pid) == levels(os.getpid()) + 1


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def levels(pid):
    """How many process namespaces a process is in."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(len(line.split()) - 1 for line in lines if line.startswith("NSpid:"))


@pytest.fixture
def nothing_left(sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others may use the common one meanwhile
    sandbox.state()
    before = settled()
    yield
    assert settled() == before


def test_closing_twice_is_closing_once(interview, nothing_left):
    asked = interview("def first(): return 1")
    asked.ask("first")
    isolation = asked.close()
    assert isolation.mode == "sandbox"
    assert "seccomp" in isolation.layers
    assert asked.close() == isolation


def test_a_closed_interview_knows_its_answers_and_no_more(interview):
    asked = interview("def first(): return 1\ndef second(): return 2")
    asked.ask("first")
    asked.expect(["second"])
    asked.close()
    assert asked.ask("first") == Answer(1)
    for unheard in ("second", "third"):
        with pytest.raises(SandboxError, match="closed"):
            asked.ask(unheard)


def test_closing_at_once_leaves_nothing(interview, nothing_left):
    interview("import time; time.sleep(1e6)").close()


def test_an_interrupt_in_the_middle_of_a_question_leaves_nothing(interview, nothing_left):
    asked = interview("import os, time\ndef first():\n    os.fork(); time.sleep(1e6)")

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            asked.ask("first")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    asked.close()


def test_after_an_interrupt_the_same_question_can_be_asked_again(interview):
    told = iter([KeyboardInterrupt, None, None])

    def on_progress(*_):
        if error := next(told):
            raise error

    source = "from cvlab.probing import progress\ndef first():\n"
    source += "    for step in (1, 2, 3): progress.report(step, 3, 0.5)\n    return 1"
    asked = interview(source, on_progress=on_progress)
    with pytest.raises(KeyboardInterrupt):
        asked.ask("first")
    assert asked.ask("first") == Answer(1)


@pytest.mark.parametrize("how", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "handled"])
def test_signals_of_the_host_disturb_nobody(interview, how):
    ticks = []
    child, alarm = signal.signal(signal.SIGCHLD, how), signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        source = "import os, time\ndef first():\n    time.sleep(0.4); return 1\ndef second(): os._exit(3)"
        asked = interview(source)
        assert asked.ask("first") == Answer(1)
        assert "exit code 3" in asked.ask("second").detail
        asked.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGCHLD, child)
    assert len(ticks) > 10


@pytest.fixture
def own_sandbox(bank):
    made = Sandbox("sandbox", bank.hidden())
    yield made
    made.close()


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_nursery_that_was_killed_is_our_failure_and_says_so(interview, own_sandbox, asked_before):
    asked = interview("import time\ndef first(): return 1\ndef second(): time.sleep(1e6)", at=own_sandbox)
    if asked_before:
        asked.ask("first")
    os.kill(own_sandbox.nursery_pid, signal.SIGKILL)
    for attempt in (lambda: asked.ask("second"), lambda: interview("", at=own_sandbox)):
        with pytest.raises(SandboxError) as broken:
            attempt()
        assert broken.value.thing in ("nursery", "supervisor")
        assert broken.value.fact.endswith(".")
        assert broken.value.remedy == "Start the check again."
    with contextlib.suppress(SandboxError):
        asked.close()
    own_sandbox.close()
    assert asked._talk is None


def test_a_closed_sandbox_starts_no_more_workers(own_sandbox):
    own_sandbox.state()
    own_sandbox.close()
    own_sandbox.close()
    with pytest.raises(SandboxError, match="it is closed"):
        own_sandbox.worker(QUICK, PROBES)


def test_two_threads_may_share_a_new_sandbox(own_sandbox):
    start = threading.Barrier(2)

    def grade(number):
        source = f"import time\ndef first(): return {number}\ndef second(): time.sleep(0.05); return [{number}] * 3"
        if number < 2:
            start.wait(timeout=30)  # both wait for the same nursery's first word
        asked = Interview(own_sandbox, Task(Solution("submission.py", source), PROBES, number), QUICK)
        try:
            asked.expect(["first", "second"])
            return [asked.ask("second"), asked.ask("first")]
        finally:
            asked.close()

    with ThreadPoolExecutor(2) as pool:
        graded = list(pool.map(grade, range(10)))
    assert graded == [[Answer([number] * 3), Answer(number)] for number in range(10)]


def memory_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.slow
def test_two_hundred_interviews_leave_nothing_behind(sandbox, nothing_left):
    sources = itertools.cycle(
        [
            "import torch\nprint('x' * 9999)\ndef first(): return torch.ones(100_000)\ndef second(): return 2",
            "import os\ndef first(): os._exit(1)\ndef second(): return 2",
            "raise ValueError",
            "import os\ndef first():\n    os.fork(); return 1\ndef second(): os.close(3); os._exit(0)",
        ]
    )

    def interviewed(source):
        asked = Interview(sandbox, Task(Solution("submission.py", source), PROBES, 0), QUICK)
        asked.expect(["first", "second"])
        asked.ask("first"), asked.ask("second")
        asked.close()

    for source in itertools.islice(sources, 40):
        interviewed(source)  # whatever is allocated once, is now
    before, memory = settled(), memory_kb()
    for source in itertools.islice(sources, 200):
        interviewed(source)
    assert settled() == before
    assert memory_kb() - memory < 8 << 10


def test_processes_and_their_folders_are_gone_when_an_interview_is_closed(interview, processes, nothing_left):
    asked = interview(
        "import os, time\nopen('left.txt', 'w').write('x')\nif os.fork() == 0: time.sleep(1e6)", at=processes
    )
    asked.ask("first")
    asked.close()


def test_a_worker_that_cannot_be_started_leaves_nothing(processes, monkeypatch, nothing_left):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(OSError, match="no more"):
        processes.worker(QUICK, PROBES)


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> dict[str, types.CodeType]:
    """What this process has learned of probes: nothing yet."""
    empty: dict[str, types.CodeType] = {}
    monkeypatch.setattr(lessons, "_learned", empty)
    return empty


def test_probes_that_were_learned_need_no_compiling(learned, monkeypatch) -> None:
    source = "def told(solution): return solution.told()\n"
    lessons.learn(lessons.lesson_of(source, "probes.py"))

    def no_compiling(*_, **__):
        raise AssertionError("it was compiled")

    monkeypatch.setattr(lessons, "compiled", no_compiling)
    assert load_probes(source).told(types.SimpleNamespace(told=lambda: 4)) == 4
    with pytest.raises(AssertionError, match="compiled"):
        load_probes(source + "# other probes\n")


def test_as_many_lessons_are_kept_as_a_course_has_drills_and_not_more(learned) -> None:
    for number in range(lessons.MANY_PROBES + 2):
        lessons.learn(lessons.lesson_of(f"number = {number}", "probes.py"))
    assert list(learned) == [f"number = {number}" for number in range(2, lessons.MANY_PROBES + 2)]


def test_workers_are_born_with_the_probes_of_their_task(own_sandbox) -> None:
    source = "import sys\ndef first(): return list(sys.modules['cvlab.sandbox.lessons']._learned)"
    for probes in (PROBES, PROBES + "# and another drill's\n", PROBES):
        asked = Interview(own_sandbox, Task(Solution("submission.py", source), probes, 0), QUICK)
        outcome = asked.ask("first")
        asked.close()
        assert isinstance(outcome, Answer)
        assert probes in outcome.value


def test_a_nursery_that_cannot_learn_still_has_workers(own_sandbox, monkeypatch) -> None:
    monkeypatch.setattr(lessons, "lesson_of", lambda *_: b"no lesson")
    asked = Interview(own_sandbox, Task(Solution("submission.py", "def first(): return 1"), PROBES, 0), QUICK)
    assert asked.ask("first") == Answer(1)
    asked.close()


def test_probes_that_are_no_python_raise_before_there_is_a_worker(sandbox, processes) -> None:
    task = Task(Solution("submission.py", "def told(): return 1"), "def told(solution) return 1", 0)
    for mode in (sandbox, processes):
        with pytest.raises(SyntaxError):
            Interview(mode, task, QUICK)


def test_a_model_that_a_probe_made_can_be_copied_by_pickle(sandbox: Sandbox) -> None:
    probes = """
class Net:
    size = 3

def first(solution):
    return solution.copied(Net()).size
"""
    source = "import pickle\ndef copied(model): return pickle.loads(pickle.dumps(model))\n"
    asked = Interview(sandbox, Task(Solution("copies.py", source), probes, 0), QUICK)
    assert asked.ask("first") == Answer(3)
    asked.close()
