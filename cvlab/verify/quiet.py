"""Whether probes are quiet: only solution, name and seed decide an answer, and asking leaves no trace.

The reference is asked in the sandbox, so without network and files, by watched probes (`watching.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cvlab.grading.comparing import same_outcome
from cvlab.sandbox.outcome import Answer, Outcome
from cvlab.verify.marking import Marker
from cvlab.verify.watching import AGAIN, STIRRED


def watched(probes_source: str, names: Sequence[str]) -> str:
    """Return a text of `probes.py` whose probes of these names are watched."""
    watching = (Path(__file__).parent / "watching.py").read_text(encoding="utf-8")
    return (
        f"{probes_source}\n\n_watching = {{}}\nexec({watching!r}, _watching)\n"
        f"_watching['watch'](globals(), {list(names)!r})\n"
    )


def disturbances(marker: Marker, reference: str, probes: Sequence[str], drawn: Sequence[str]) -> list[str]:
    """Return what is not quiet about `probes`, a sentence each.

    Those in `drawn` must not depend on the global random state. Probes of the overfit layer may: they train from the
    solution's own initial weights.
    """
    source = watched(marker.probes_source, probes)
    questions = [
        (source, [*probes, *(AGAIN + name for name in probes)]),
        (source, list(reversed(probes))),
        (source, [STIRRED + name for name in drawn]),
        *((source, [name]) for name in probes),
    ]
    first, backwards, stirred, *alone = marker.answers(questions, reference)
    others = {
        "when it is asked a second time": {name: first[AGAIN + name] for name in probes},
        "when probes are asked in another order": backwards,
        "when it is asked alone": {name: answers[name] for name, answers in zip(probes, alone, strict=True)},
        "when the global random state is another; draw from cvlab.probing, or seed it first": {
            name: stirred[STIRRED + name] for name in drawn
        },
    }
    found = []
    for name in probes:
        answer, changed = _parted(first[name])
        found += [f"{name} changes {thing}" for thing in changed]
        found += [
            f"{name} answers differently {when}"
            for when, answers in others.items()
            if name in answers and not same_outcome(answer, _parted(answers[name])[0])
        ]
    return found


def _parted(outcome: Outcome) -> tuple[Outcome, list[str]]:
    """Return a watched probe's own outcome, and what it changed."""
    if isinstance(outcome, Answer):
        return Answer(outcome.value["answer"]), outcome.value["changed"]
    return outcome, []
