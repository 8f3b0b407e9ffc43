"""How far a learner is, read from the journal: each drill done, tried or new, and which comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from cvlab.bank import Bank
from cvlab.drill import Drill
from cvlab.errors import UsageError
from cvlab.workspace.home import Workspace, find_workspace
from cvlab.workspace.journal import Attempt, Event, GaveUp, HintTaken, Journal, SolutionSeen, read_journal

State = Literal["done", "tried", "new"]


@dataclass
class Standing:
    """How a learner stands with one drill."""

    attempts: list[Attempt] = field(default_factory=list)
    """Those that ended in a verdict, oldest first."""
    hints: list[str] = field(default_factory=list)
    """Titles of the hints taken, in order, each once."""
    gave_up: bool = False
    solution_seen: bool = False

    @property
    def state(self) -> State:
        """Done is what was passed at any time: a drill once understood stays so, whatever is tried with it later."""
        if self.passing is not None:
            return "done"
        return "tried" if self.attempts or self.gave_up else "new"

    @property
    def passing(self) -> Attempt | None:
        """The first attempt that passed."""
        return next((attempt for attempt in self.attempts if attempt.passed), None)

    @property
    def tries_to_pass(self) -> int:
        """How many attempts it took, or has taken so far."""
        return self.attempts.index(self.passing) + 1 if self.passing else len(self.attempts)

    @property
    def time_to_pass(self) -> timedelta | None:
        """From the first attempt to the first that passed; None before."""
        if self.passing is None:
            return None
        return max(timedelta(), self.passing.time - self.attempts[0].time)  # clocks may be set back


@dataclass(frozen=True)
class Overview:
    """All drills with where the learner stands in each, in one workspace."""

    workspace: Workspace
    bank: Bank
    drills: list[Drill]
    standings: dict[str, Standing]
    """By slug: a drill that gets another number is still the same."""
    events: list[Event]
    unreadable: int
    """How many lines of the journal are damaged."""

    def of(self, drill: Drill) -> Standing:
        """Return the learner's standing in one drill."""
        return self.standings.get(drill.slug) or Standing()

    def done(self) -> int:
        """Return how many drills of the bank are done."""
        return sum(self.of(drill).state == "done" for drill in self.drills)

    def streak(self, today: date) -> int:
        """Return on how many days on end something was tried, by the local calendar, up to today or yesterday."""
        days = {event.time.astimezone().date() for event in self.events if isinstance(event, Attempt)}
        day = today if today in days else today - timedelta(days=1)
        count = 0
        while day in days:
            day, count = day - timedelta(days=1), count + 1
        return count

    def next_drill(self) -> Drill | None:
        """Return the drill to do now; None when all are done. Raises UsageError for a focus that is no track.

        First what was begun last; then what is new, the track in focus first and nothing before its prerequisites;
        what was given up comes last.
        """
        focus = _track_in_focus(self.workspace, self.drills)
        done = {key for drill in self.drills if self.of(drill).state == "done" for key in names_of(drill)}
        known = {key for drill in self.drills for key in names_of(drill)}
        latest: dict[str, int] = {}
        for index, event in enumerate(self.events):
            if isinstance(event, Attempt):
                latest[slug_of(event.drill)] = index

        def order(drill: Drill) -> tuple[bool, bool, int, bool, bool, str]:
            standing = self.of(drill)
            wanting = any(name in known and name not in done for name in drill.about.prerequisites)
            begun = bool(standing.attempts)
            off_track = not drill.about.track.startswith(focus)
            return standing.gave_up, not begun, -latest.get(drill.slug, 0), wanting, off_track, drill.number

        return min((drill for drill in self.drills if self.of(drill).state != "done"), key=order, default=None)


def overview(bank: Bank, workspace: Workspace) -> Overview:
    """Return where the learner of this workspace stands."""
    journal: Journal = read_journal(workspace)
    standings = standings_from(journal.events)
    return Overview(workspace, bank, bank.drills(), standings, journal.events, journal.unreadable)


def overview_here(bank: Bank) -> Overview | None:
    """Return where the learner stands whose workspace one is in; None outside of any."""
    workspace = find_workspace()
    return overview(bank, workspace) if workspace else None


def standings_from(events: Iterable[Event]) -> dict[str, Standing]:
    """Return the standing in each drill that occurs, by slug."""
    found: dict[str, Standing] = {}
    for event in events:
        standing = found.setdefault(slug_of(event.drill), Standing())
        match event:
            case Attempt() if event.status != "error":  # we broke: that is no try of the learner's
                standing.attempts.append(event)
            case HintTaken() if event.title not in standing.hints:
                standing.hints.append(event.title)
            case GaveUp():
                standing.gave_up = True
            case SolutionSeen():
                standing.solution_seen = True
    return found


def slug_of(name: str) -> str:
    """Return the slug in a drill's name: `residual-block` of `01-residual-block`."""
    return name.partition("-")[2]


def names_of(drill: Drill) -> tuple[str, ...]:
    """Return what another drill may call this one among its prerequisites."""
    return drill.number, drill.slug, drill.name


def tracks(drills: Sequence[Drill]) -> dict[str, list[Drill]]:
    """Return the drills of each track, tracks in order of their names."""
    found: dict[str, list[Drill]] = {}
    for drill in sorted(drills, key=lambda drill: (drill.about.track, drill.number)):
        found.setdefault(drill.about.track, []).append(drill)
    return found


def _track_in_focus(workspace: Workspace, drills: Sequence[Drill]) -> str:
    focus = workspace.settings().focus
    known = list(tracks(drills))
    if focus and not any(track.startswith(focus) for track in known):
        raise UsageError(f"focus = {focus!r} in cvlab.toml", "no track begins so.", f"Tracks are: {'; '.join(known)}.")
    return focus
