"""Everything cvlab raises on purpose, as one tree.

    CvlabError
    ├── UsageError                  the command cannot be carried out as given (exit code 2)
    │   ├── UnknownDrill            no drill has that number or name
    │   ├── BadSubmission           a file that cannot be read as a submission
    │   ├── GradebookError          a gradebook that cannot be opened, read or written
    │   ├── BadCollection           a download that cannot be told apart into submissions
    │   └── IsolationUnavailable    the asked-for isolation is not to be had on this machine
    ├── BankError                   a drill on disk breaks the rules of the bank (exit code 3)
    │   └── DuplicateDrill          two drills share a number or a name
    ├── SandboxError                the machinery between grader and worker broke (exit code 3)
    │   └── WireError               bytes from a worker that are not a well-formed reply
    └── GraderError                 a check, a probe or the reference broke (exit code 3)

Each message names the thing, the fact and the remedy: what it was about, what is wrong with it, what to do now.
A student's mistake is none of these: it is a `failed` check in a report.
"""

from __future__ import annotations


class CvlabError(Exception):
    """Something cvlab can explain; never a student's mistake."""

    exit_code = 3

    def __init__(self, thing: str, fact: str, remedy: str = "") -> None:
        self.thing, self.fact, self.remedy = thing, fact, remedy
        super().__init__(f"{thing}: {fact}" + (f" {remedy}" if remedy else ""))


class UsageError(CvlabError):
    """The command cannot be carried out as given."""

    exit_code = 2


class UnknownDrill(UsageError):
    """No drill in the bank has that number or name."""


class BadSubmission(UsageError):
    """The file cannot be read as a submission."""


class BadCollection(UsageError):
    """What an instructor downloaded cannot be told apart into submissions, is damaged, or has changed meanwhile."""


class GradebookError(UsageError):
    """The gradebook cannot be opened, read or written."""


class IsolationUnavailable(UsageError):
    """The isolation mode asked for by name is not to be had on this machine."""


class BankError(CvlabError):
    """A drill on disk breaks the rules of the bank."""


class DuplicateDrill(BankError):
    """Two drills share a number or a name."""


class SandboxError(CvlabError):
    """The machinery between grader and worker broke."""


class WireError(SandboxError):
    """Bytes from a worker are not a well-formed reply."""

    def __init__(self, fact: str) -> None:
        super().__init__("reply of the worker", fact)


class GraderError(CvlabError):
    """A check, a probe or the reference solution broke."""
