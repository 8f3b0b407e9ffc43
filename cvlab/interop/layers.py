"""A report by layers of checks, for hosts that keep points and tell reasons by parts."""

from __future__ import annotations

from collections.abc import Iterable

from cvlab.report import LAYERS, CheckResult, Layer, Report
from cvlab.show import plain, wording


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
    return lines
