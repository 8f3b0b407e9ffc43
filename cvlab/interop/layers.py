"""A report by layers of checks, for hosts that keep points and tell reasons by parts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from cvlab.report import LAYERS, CheckResult, Layer, Report
from cvlab.show import plain, wording

WIDTH = 92
"""Columns that a page of nbgrader's has room for."""


def points_by_layer(checks: Iterable[CheckResult]) -> dict[Layer, int]:
    """Return what full marks are in each layer that has checks, in the order of layers."""
    found = dict.fromkeys(LAYERS, 0)
    seen = set()
    for check in checks:
        found[check.layer] += check.max_points
        seen.add(check.layer)
    return {layer: points for layer, points in found.items() if layer in seen}


def layer_lines(report: Report, layer: Layer) -> list[str]:
    """Return what a report says of one layer, as lines of words: each check, its message, the known mistake."""
    checks = [check for check in report.checks if check.layer == layer]
    got, most = sum(check.points for check in checks), sum(check.max_points for check in checks)
    lines = [f"{LAYERS[layer]}: {wording.counted(got, most, 'point')}."]
    for check in checks:
        lines += plain.check_lines(check, first=False, verbose=True)
    if report.diagnosis and report.first_failure in checks:
        lines.append(f"This looks like: {wording.sentence(report.diagnosis.says)}")
        lines.append(f"Hint: {wording.sentence(report.diagnosis.hint)}")
    return [part for line in lines for part in _wrapped(line)]


def host_lines(report: Report, layer: Layer) -> list[str]:
    """Return what a host's cell for a layer tells; the last one of a report adds how the submission was run."""
    lines = layer_lines(report, layer)
    if layer == list(points_by_layer(report.checks))[-1]:
        ran_in = wording.isolation(report)
        told = [f"{ran_in[0].upper()}{ran_in[1:]}.", *(f"Note: {wording.sentence(note)}" for note in report.notes)]
        lines += ["", *(part for line in told for part in _wrapped(line))]
    return lines


def _wrapped(line: str) -> list[str]:
    """Return a line in pieces that hosts show whole: they scroll sideways otherwise."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, replace_whitespace=False) or [line]
