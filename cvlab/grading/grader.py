"""Grading: one drill's checks over submissions, from reading the reference to the finished report."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import torch

import cvlab
from cvlab.drill import Drill
from cvlab.errors import CvlabError, GraderError
from cvlab.grading.debugging import Debugger
from cvlab.grading.diagnosis import Ask, diagnose
from cvlab.grading.telling import NOT_JUDGED
from cvlab.kit.about import KitDrill, read_kit
from cvlab.limits import Limits
from cvlab.misconceptions import Misconception, read_misconceptions
from cvlab.report import LAYERS, Awaiting, CheckResult, Diagnosis, Isolation, Layer, Report, overall_status
from cvlab.sandbox.client import Interview, OnProgress, Sandbox
from cvlab.sandbox.inline import InlineInterview
from cvlab.sandbox.worker import PROBES_MODULE, Solution, Task, load_probes
from cvlab.submission import Submission
from cvlab.text import visible

if TYPE_CHECKING:
    from cvlab.grading.plugin import GradingPlugin, OnCheck, Questionable
    from cvlab.grading.recorded import RecordedInterview

CHECK_MODULES = ("test_public", "test_hidden")

#: pytest as a library: our plugin only, no configuration of whoever calls us, no output.
PYTEST_ARGUMENTS = (
    "--disable-plugin-autoload",
    "--noconftest",
    "--assert=plain",
    "--import-mode=importlib",
    "--capture=no",
    f"--config-file={os.devnull}",
    *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:warnings", "-p", "no:logging", "-p", "no:junitxml"),
    *("-p", "no:faulthandler", "-p", "no:unraisableexception", "-p", "no:threadexception", "-p", "no:doctest"),
)


class Grader:
    """Everything that grading one drill needs, made once and used for any number of submissions.

    Make the `Sandbox` first: its nursery must be forked before a Grader reads the reference and the hidden checks.
    """

    def __init__(
        self,
        drill: Drill,
        sandbox: Sandbox | None,
        *,
        seed: int = 0,
        debug: bool = False,
        limits: Limits | None = None,
        model: Questionable | None = None,
    ) -> None:
        """Prepare; `sandbox` None means inline, and then `debug` stops in the debugger at the first failure.

        `limits` are the drill's own unless given. `model` is asked in place of the drill's reference; in a kit, that is
        what was recorded of it. Raises BankError where the drill is incomplete, UsageError for a seed that a kit holds
        no answers for.
        """
        self.drill, self.seed = drill, seed
        self._limits = limits or drill.about.limits
        self._debugger = Debugger() if debug else None
        self._sandbox = sandbox
        self._probes_source = drill.text_of(drill.probes)
        self._model: Questionable | None = model
        self._recorded: RecordedInterview | None = None
        self._kit: KitDrill | None = None
        if drill.is_recorded and model is None:
            from cvlab.grading.recorded import RecordedInterview

            self._model = self._recorded = RecordedInterview(drill, seed)
            self._kit = read_kit(drill.exercise.parent.parent).of(drill.name)
        self._misconceptions: list[Misconception] | None = None
        self._askers: dict[str, InlineInterview] = {}
        self._rehearsal: Report | None = None
        self.probes_by_layer: dict[str, Layer] = {}

    def interview(self, submission: Submission, on_progress: OnProgress | None = None) -> Questionable:
        """Start questioning a submission; the worker locks itself down and loads the file while the caller goes on."""
        solution = Solution(self.drill.about.file, submission.source, notebook=bool(submission.cells))
        task = Task(solution, self._probes_source, self.seed)
        if self._sandbox is None:
            return InlineInterview(task, on_error=self._debugger.stop if self._debugger else None)
        return Interview(self._sandbox, task, self._limits, on_progress)

    def grade(
        self,
        submission: Submission,
        *,
        interview: Questionable | None = None,
        only: Collection[Layer] | None = None,
        on_check: OnCheck | None = None,
        diagnose: bool = True,
    ) -> Report:
        """Return the report on one submission. Whatever breaks on our side becomes status `error`, not an exception.

        With `diagnose` false no misconception is asked and the report names none.
        """
        started = time.perf_counter()
        subject: Questionable | None = interview
        checks: list[CheckResult] = []
        problems: list[str] = []
        diagnosis: Diagnosis | None = None
        isolation = Isolation(mode=self._sandbox.mode if self._sandbox else "inline")
        try:
            subject = subject or self.interview(submission)
            checks, problems = self._run(submission, subject, only, on_check)
            if diagnose and any(check.status == "failed" for check in checks):
                diagnosis = self._diagnosis(subject, only)
        except CvlabError as problem:
            problems.append(str(problem))
        except Exception as bug:  # one submission must not cost a class its grades
            if self._debugger:
                raise
            problems.append(f"{type(bug).__name__}: {bug} (run with --pdb to see where)")
        finally:
            if subject is not None:
                try:
                    isolation = subject.close()
                except CvlabError as problem:
                    problems.append(str(problem))
            if isinstance(self._model, InlineInterview):
                self._model.forget_handed()
        notes = [*submission.notes, *(f"cvlab broke: {problem}" for problem in problems), *self._notes_on(checks)]
        return Report(
            drill=self.drill.name,
            submission=submission.name,
            sha256=submission.sha256,
            status="error" if problems else overall_status(checks),
            points=sum(check.points for check in checks),
            max_points=sum(check.max_points for check in checks),
            checks=checks,
            diagnosis=diagnosis,
            isolation=isolation,
            seed=self.seed,
            seconds=round(time.perf_counter() - started, 4),
            output=visible(subject.output.decode("utf-8", "replace"), 16_384) if subject else "",
            notes=[visible(note, 2_000) for note in notes],
            versions={"cvlab": cvlab.__version__, "python": platform.python_version(), "torch": str(torch.__version__)},
            awaiting=self._awaiting(),
        )

    def rehearse(self) -> Report:
        """Return the report on the reference itself, which must pass; afterwards its answers are there for everybody.

        Asks nobody but the reference.
        """
        if self._rehearsal is None:
            reference = Submission(
                name=self.drill.about.file, source=self.drill.text_of(self.drill.reference), sha256=""
            )
            self._rehearsal = self.grade(reference, interview=_Lasting(self.model()), diagnose=False)
        return self._rehearsal

    @property
    def max_points(self) -> int:
        """What a right submission gets."""
        return self.rehearse().max_points

    def refuse(self, name: str, sha256: str, why: str) -> Report:
        """Return the report on a file that is no submission at all: no check passes, and the first says why."""
        checks = [
            msgspec.structs.replace(check, points=0, seconds=0.0, status="skipped", message=NOT_JUDGED)
            for check in self.rehearse().checks
        ]
        checks[0] = msgspec.structs.replace(checks[0], status="failed", message=f"The file cannot be read. {why}")
        report: Report = msgspec.structs.replace(
            self.rehearse(), submission=name, sha256=sha256, status="failed", points=0, checks=checks, seconds=0.0
        )
        return report

    def model(self) -> Questionable:
        """Return the reference, ready to be asked; its answers are computed once, or recorded in a kit."""
        if self._model is None:
            source = self.drill.text_of(self.drill.reference)
            self._model = self._inline("reference", source)
        return self._model

    def checks(self) -> list[CheckResult]:
        """Return every check there is, in the order of its layer; nobody is asked anything, so each is `skipped`.

        Raises GraderError where the check files cannot be read.
        """
        plugin = self._collect()
        if plugin.problems:
            raise GraderError(f"checks of {self.drill.name}", "; ".join(plugin.problems), "Run cvlab verify.")
        return [msgspec.structs.replace(check, status="skipped", message="") for check in plugin.results]

    def prepare(self) -> Iterator[None]:
        """Compute beforehand, in slices, what grading needs and no submission has a part in.

        The reference answers what the checks will ask without arguments, but for the slow `overfit`; then each
        misconception is loaded and asked the same. A grader is of use between any two slices.
        """
        self._collect()
        yield
        model = self.model()
        yield
        probes = [probe for probe, layer in self.probes_by_layer.items() if layer != "overfit"]
        for probe in probes:
            if self._recorded is None:
                model.ask(probe)
                yield
        for misconception in self._known_misconceptions():
            ask = self._asker(misconception)
            yield
            for probe in probes:
                ask(probe)
                yield

    def _inline(self, role: str, source: str) -> InlineInterview:
        task = Task(Solution(f"{role}_{self.drill.about.file}", source), self._probes_source, self.seed)
        return InlineInterview(task, quiet=True)

    def _run(
        self, submission: Submission, subject: Questionable, only: Collection[Layer] | None, on_check: OnCheck | None
    ) -> tuple[list[CheckResult], list[str]]:
        # pytest is imported while the worker is already at work.
        from cvlab.grading.plugin import GradingPlugin

        probes = load_probes(self._probes_source, str(self.drill.probes))
        plugin = GradingPlugin(self.drill, probes, subject, self.model(), submission, only, on_check, self._debugger)
        code = self._pytest(plugin)
        if not plugin.results and not plugin.problems:
            plugin.problems.append(f"no check was run (pytest ended with {code!r})")
        order = list(LAYERS)
        return sorted(plugin.results, key=lambda check: order.index(check.layer)), plugin.problems

    def _awaiting(self) -> Awaiting | None:
        if self._kit is None:
            return None
        return Awaiting(checks=self._kit.hidden_checks, points=self._kit.hidden_points)

    def _notes_on(self, checks: list[CheckResult]) -> list[str]:
        """Return what a reader of a kit's verdicts should know, where something failed."""
        recorded = self._recorded.versions.get("torch") if self._recorded else None
        if recorded in (None, str(torch.__version__)) or all(check.status == "passed" for check in checks):
            return []
        return [f"this kit's answers were recorded with torch {recorded}; yours is {torch.__version__}"]

    def _collect(self) -> GradingPlugin:
        """Read the check files and learn which probe belongs to which layer; nothing is asked of anybody."""
        from cvlab.grading.plugin import GradingPlugin

        nobody = Submission(name="", source="", sha256="")
        probes = load_probes(self._probes_source, str(self.drill.probes))
        plugin = GradingPlugin(self.drill, probes, self.model(), self.model(), nobody)
        self._pytest(plugin, "--collect-only")
        return plugin

    def _pytest(self, plugin: GradingPlugin, *arguments: str) -> object:
        import pytest

        files = [str(path) for path in self.drill.check_files()]
        if not files:
            raise GraderError(self.drill.name, "it has no check files.", "Write graders/…/test_hidden.py.")
        arguments = (*PYTEST_ARGUMENTS, *arguments, f"--rootdir={self.drill.grader}")
        with _modules_of_this_run(plugin.probes), _plain_environment():
            code = pytest.main([*arguments, *files], plugins=[plugin])
        self.probes_by_layer |= plugin.probes_by_layer
        return code

    def _diagnosis(self, subject: Questionable, only: Collection[Layer] | None) -> Diagnosis | None:
        if only is not None:
            return None  # a part of the probes names nobody
        if not self._known_misconceptions():
            return None
        probes = [probe for probe, layer in self.probes_by_layer.items() if layer != "overfit"]
        return diagnose(probes, subject.ask, self.model().ask, self._known_misconceptions(), self._asker)

    def _known_misconceptions(self) -> list[Misconception]:
        if self._misconceptions is None:
            self._misconceptions = read_misconceptions(self.drill)
        return self._misconceptions

    def _asker(self, misconception: Misconception) -> Ask:
        name = misconception.entry.id
        if name not in self._askers:
            self._askers[name] = self._inline(f"misconception_{name.replace('-', '_')}", misconception.source)
        return self._askers[name].ask


class _Lasting:
    """A conversation that others go on with: closing it does nothing."""

    def __init__(self, interview: Questionable) -> None:
        self._interview = interview
        self.output = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interview, name)

    def close(self) -> Isolation:
        return self._interview.isolation


@contextlib.contextmanager
def _modules_of_this_run(probes: object) -> Iterator[None]:
    """Let check files import `probes`, and forget both afterwards: every drill has modules of these names."""
    kept = {name: sys.modules.pop(name, None) for name in (PROBES_MODULE, *CHECK_MODULES)}
    sys.modules[PROBES_MODULE] = probes  # type: ignore[assignment]
    try:
        yield
    finally:
        for name, module in kept.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@contextlib.contextmanager
def _plain_environment() -> Iterator[None]:
    """Keep pytest from reading options meant for somebody else's run."""
    kept = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        os.environ.update(kept)
        sys.dont_write_bytecode = written
