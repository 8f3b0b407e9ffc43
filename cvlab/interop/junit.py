"""Reports as JUnit XML, which CI systems read: a suite for each report, a test case for each check."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from cvlab.report import LAYERS, Report
from cvlab.text import visible

MAX_TEXT = 20_000


def junit_xml(reports: Iterable[tuple[str, Report]]) -> bytes:
    """Return reports, each with the name of its suite, as one document.

    `failed` is a failure, `error` an error, and a check that was not judged is skipped: a failure of ours is never
    told as the student's.
    """
    root = ElementTree.Element("testsuites", name="cvlab")
    for name, report in reports:
        _add_suite(root, name, report)
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_suite(root: ElementTree.Element, name: str, report: Report) -> None:
    statuses = [check.status for check in report.checks]
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=_text(name),
        tests=str(len(statuses) or 1),
        failures=str(statuses.count("failed")),
        errors=str(statuses.count("error") or int(not statuses)),
        skipped=str(statuses.count("skipped")),
        time=f"{report.seconds:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in {
        "drill": report.drill,
        "status": report.status,
        "points": str(report.points),
        "max_points": str(report.max_points),
        "sha256": report.sha256,
        "isolation": report.isolation.mode,
    }.items():
        ElementTree.SubElement(properties, "property", name=key, value=_text(value))
    for check in report.checks:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_text(f"{report.drill}.{check.layer}"),
            name=_text(check.title),
            time=f"{check.seconds:.3f}",
        )
        if check.where:
            case.set("file", _text(check.where.file))
            case.set("line", str(check.where.line))
        if check.status == "skipped":
            ElementTree.SubElement(case, "skipped", message="not judged: mend the first failure first")
        elif check.status != "passed":
            kind = "failure" if check.status == "failed" else "error"
            message = _text(check.message)
            first = message.partition("\n")[0]
            ElementTree.SubElement(case, kind, message=first, type=LAYERS[check.layer]).text = message
    if not report.checks:
        case = ElementTree.SubElement(suite, "testcase", classname=_text(report.drill), name="grading", time="0.000")
        ElementTree.SubElement(case, "error", message="nothing was judged", type="grading").text = _text(
            "\n".join(report.notes)
        )
    if report.output:
        ElementTree.SubElement(suite, "system-out").text = _text(report.output)


def _text(text: str) -> str:
    """Return `text` without what XML cannot hold; a report's texts are so already."""
    return visible(text, MAX_TEXT)
