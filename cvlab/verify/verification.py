"""What verifying one drill found: its promises, kept or broken, in one schema for terminal and JSON."""

from __future__ import annotations

import msgspec

#: Every promise by its stable id, with what it says of a drill, in the order in which they are judged and told.
SENTENCES = {
    "stub-in-step": "The stub is the reference without its marked parts.",
    "stub-fails": "The untouched stub passes no check but those that drill.toml names.",
    "reference-passes": "The reference passes every check under every seed (overfit is counted below).",
    "overfit-margin": "The reference passes its overfit checks under every seed.",
    "variants-pass": "Every variant passes every check under every seed.",
    "misconceptions-fail": "Every misconception fails the checks that its caught_by names.",
    "not-overfit-alone": "No misconception is caught by an overfit check alone.",
    "misconceptions-diagnosed": "Every misconception is diagnosed as itself or as its family.",
    "misconceptions-apart": "Answers tell misconceptions of different families apart; one family shares one hint.",
    "checks-matter": "Every check is failed by a misconception or a mutant.",
    "mutants-killed": "Every mutant fails a check other than overfit, or is accepted with a reason.",
    "survivors-true": "Every accepted survivor is a mutant that no check notices.",
    "never-blames-itself": "A wrong solution fails checks and never breaks one.",
    "probes-quiet": "Probes answer the same whenever and in whatever order they are asked, and leave no trace.",
    "answers-vary": "Which answers stay the same under every seed (for information; never broken).",
}

#: What cannot be said without grading every mutant.
NEED_MUTANTS = frozenset({"checks-matter", "mutants-killed", "survivors-true"})


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One promise of one drill."""

    id: str
    sentence: str
    kept: bool
    details: list[str] = []
    """What breaks it, one entry per culprit; empty for a promise that is kept."""
    notes: list[str] = []
    """What an author may want to know about it, kept or not."""


class MutantDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A mutant by its id, with the lines that it changes."""

    id: str
    line: int
    """1-based, in the reference."""
    before: str
    after: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the mutants of the reference."""

    total: int
    killed: int
    """Failed a check of another layer than overfit."""
    overfit_alone: int
    """Failed nothing but overfit checks."""
    accepted: int
    """Passed everything, and `misconceptions.toml` says why that is right."""
    survivors: list[MutantDiff]
    """Passed everything, and nobody says why."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The result of verifying one drill."""

    drill: str
    """Number and slug, for example `01-residual-block`."""
    promises: list[Promise]
    """Those that were looked at; fewer than all after `--only` or `--no-mutants`."""
    mutants: Tally | None = None
    seeds: int
    """How many seeds right solutions were graded under."""
    seconds: float
    """Wall time; never part of a verdict."""

    @property
    def kept(self) -> bool:
        """Whether no promise is broken."""
        return all(promise.kept for promise in self.promises)

    @property
    def summary(self) -> str:
        """One line on how this was found out."""
        parts = [f"{self.seeds} seed{'s' if self.seeds != 1 else ''}"]
        if self.mutants:
            tally = self.mutants
            alone = f", {tally.overfit_alone} caught by overfit alone" if tally.overfit_alone else ""
            parts.append(
                f"{tally.total} mutants ({tally.killed} killed, {tally.accepted} accepted as equivalent, "
                f"{len(tally.survivors)} survived{alone})"
            )
        return f"{', '.join(parts)}, {self.seconds:.0f} s"
