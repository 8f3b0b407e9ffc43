"""The report: what grading one submission for one drill found, one schema for every reader.

Every text in a report that came from a submission has already gone through `cvlab.text.visible`, so a report may be
shown on a terminal, put in a page (which still escapes its own markup) or written to a log as it is.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

Layer = Literal["shapes", "parity", "gradients", "invariants", "edges", "overfit", "resources"]

#: The order in which layers are run and shown; each has the words a learner reads above its checks.
LAYERS: dict[Layer, str] = {
    "shapes": "Shapes and names",
    "parity": "Same numbers as the reference",
    "gradients": "Gradients",
    "invariants": "What must always hold",
    "edges": "Edge cases",
    "overfit": "Overfits 50 images",
    "resources": "Size and side effects",
}

CheckStatus = Literal["passed", "failed", "skipped", "error"]
Status = Literal["passed", "failed", "error"]


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the submission."""

    file: str
    """Name of the submitted file; for a notebook `name.ipynb[cell 3]`."""
    line: int
    """1-based line in that file or cell."""
    text: str = ""
    """The line itself."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the way to where an exception was raised: a function of the submission, and where it went on."""

    function: str
    """With its class, as `BasicBlock.forward`; `<module>` is the file itself."""
    where: Where
    times: int = 1
    """How often in a row, where a function calls itself."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found.

    `skipped` is a check that was not judged because an earlier one already told the reason it cannot pass;
    `error` is a check that broke for a reason of ours, and costs nobody a verdict.
    """

    name: str
    title: str
    layer: Layer
    public: bool
    status: CheckStatus
    points: int
    max_points: int
    message: str = ""
    where: Where | None = None
    way: list[Step] = []
    """The submission's own part of the traceback, outermost first, where an exception was raised; bounded."""
    seconds: float = 0.0


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The known mistake that gives exactly this submission's answers."""

    id: str
    says: str
    hint: str


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """How the submission was kept apart from the grader."""

    mode: Literal["sandbox", "process", "inline"]
    layers: list[str] = []
    """Every protection that was on while the submission ran."""
    missing: list[str] = []
    """Protections of this mode that this machine does not offer."""


class Awaiting(msgspec.Struct, frozen=True, kw_only=True):
    """The hidden checks that a kit does not hold: they are run when the work is handed in."""

    checks: int
    points: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of grading one submission for one drill."""

    drill: str
    """Number and slug, for example `01-residual-block`."""
    submission: str
    sha256: str
    """Of the submitted file's bytes."""
    status: Status
    points: int
    max_points: int
    checks: list[CheckResult]
    diagnosis: Diagnosis | None = None
    isolation: Isolation
    seed: int
    seconds: float
    """Wall time of grading; never part of a verdict."""
    output: str = ""
    """What the submission printed, bounded."""
    notes: list[str] = []
    """What a reader should know about how this was graded."""
    versions: dict[str, str] = {}
    awaiting: Awaiting | None = None
    """What a check in a kit could not judge; None wherever every check was at hand."""

    @property
    def first_failure(self) -> CheckResult | None:
        """The first check that did not pass and tells why."""
        return next((c for c in self.checks if c.status in ("failed", "error")), None)


def overall_status(checks: list[CheckResult]) -> Status:
    """Return the status of a report with these checks: our own errors first, then failures."""
    statuses = {check.status for check in checks}
    if "error" in statuses or not checks:
        return "error"
    return "passed" if statuses == {"passed"} else "failed"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `Report`, as committed in `docs/report.schema.json`."""
    schema = msgspec.json.schema(Report)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "cvlab report", **schema}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
