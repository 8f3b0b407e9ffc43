"""The page of a report: everything escaped, nothing run or fetched, readable by everybody, by day and by night."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cvlab.report import Diagnosis, Isolation, Report, Where
from cvlab.show.exhibits import Activation, Exhibits, Picture, decoded, encoded
from cvlab.show.page import fragment, page
from cvlab.show.source import LONGEST_LINE, MOST_LINES, line_of, listing
from cvlab.submission import Submission

ATTACK = "</pre></style></title><script>window.owned=1</script><img src=x onerror=window.owned=1>\"'{{8081*8083}}"
#: A red pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
SOURCE = """\
import torch

class Block(torch.nn.Module):
    def forward(self, x):  # a comment
        return x + 'no' + 1
"""


def a_submission(source: str = SOURCE, **changes: Any) -> Submission:
    return Submission(**({"name": "residual_block.py", "sha256": "0" * 64, "source": source} | changes))


def some_exhibits(text: str = "a picture") -> Exhibits:
    return Exhibits(
        pictures=[Picture("one", text, PNG, text), Picture("two", text, missing=text)],
        activations=[
            Activation(text, text, 1, (50, 8, 4, 4), -0.25, 1.5, 8, 1),
            Activation("last", "ReLU", 2, (50, 4), None, 0.0, 4, 4),
        ],
        note=text,
    )


class Elements(HTMLParser):
    """Every start tag with its attributes, and all text outside `<style>`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else data

    def names(self) -> list[str]:
        return [tag for tag, _ in self.found]


# ------------------------------------------------------------------------------------------------------------ escaping


@pytest.mark.parametrize("view", [page, fragment])
def test_no_text_of_a_stranger_becomes_markup(view: Callable[..., str], make_report: Any, make_check: Any) -> None:
    where = Where(file=ATTACK, line=3, text=ATTACK)
    report = make_report(
        "failed",
        [
            make_check(0, "failed", title=ATTACK, message=f"{ATTACK}\n{ATTACK}", where=where),
            make_check(1, "failed", title=ATTACK, message=ATTACK, where=where),
            make_check(2, "passed", title=ATTACK),
        ],
        drill=ATTACK,
        submission=ATTACK,
        diagnosis=Diagnosis(id=ATTACK, says=ATTACK, hint=ATTACK),
        output=ATTACK,
        notes=[ATTACK],
        isolation=Isolation(mode="sandbox", layers=[ATTACK], missing=[ATTACK]),
        versions={ATTACK: ATTACK},
    )
    submission = a_submission(f"x = '''{ATTACK}'''\n# {ATTACK}\n{ATTACK}\n", name=ATTACK)
    harmless = view(
        make_report("passed", [make_check(2, "passed")]), submission=a_submission(), exhibits=some_exhibits()
    )
    html = view(report, title=ATTACK, submission=submission, exhibits=some_exhibits(ATTACK))
    elements = Elements(html)
    assert elements.open == []
    assert set(elements.names()) <= {*Elements(harmless).names(), "a", "strong", "details", "summary", "pre"}
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert elements.text.count("{{8081*8083}}") >= 15
    assert str(8081 * 8083) not in elements.text


def test_invisible_characters_are_spelled_out(make_sample: Callable[[str], Report]) -> None:
    html = page(make_sample("hostile_texts"), submission=a_submission("x = '\u202e\x1b[31m'\n"))
    assert not set("\u202e\x1b\x07\x9b\u200b") & set(html)
    assert r"\u202e\x1b[31m" in Elements(html).text


@pytest.mark.parametrize("view", [page, fragment])
def test_nothing_is_run_or_fetched(view: Callable[..., str], sample: Report) -> None:
    elements = Elements(view(sample, submission=a_submission(), exhibits=some_exhibits()))
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & set(elements.names())
    for tag, attributes in elements.found:
        for name in ("src", "href", "srcset", "action"):
            if name in attributes:
                assert (attributes[name] or "").startswith("data:image/png;base64," if tag == "img" else "#")


def test_the_page_forbids_scripts_and_the_network_and_allows_its_own_style_only(sample: Report) -> None:
    (policy,) = (
        attributes["content"] or ""
        for tag, attributes in Elements(page(sample)).found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"].startswith("'sha256-")
    assert "script-src" not in rules


# ------------------------------------------------------------------------------------------------------ what it tells


def test_the_verdict_and_what_to_mend_come_first(make_sample: Callable[[str], Report]) -> None:
    text = Elements(page(make_sample("one_failure_diagnosed"), submission=a_submission())).text
    order = ["✗ failed", "With the same weights", "This looks like:", "Hint:", "Mend this one first", "Your code"]
    order += ["All checks", "Your code printed:", "Ran in: sandbox"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_every_check_is_named_with_its_verdict_in_words(sample: Report) -> None:
    text = Elements(page(sample)).text
    for status, word in (("passed", " passed"), ("failed", " failed"), ("skipped", " not judged"), ("error", " error")):
        wanted = sum(check.status == status for check in sample.checks)
        assert text.count(word) >= wanted


def test_the_structure_of_a_page_is_pinned(
    make_sample: Callable[[str], Report], assert_snapshot: Callable[[str, str], None]
) -> None:
    elements = Elements(page(make_sample("one_failure_diagnosed"), submission=a_submission(), exhibits=some_exhibits()))
    kept = ("html", "head", "title", "main", "header", "footer", "section", "h1", "h2", "h3", "img", "table", "pre")
    lines = [
        tag if tag != "img" else f"img alt={attributes['alt']}" for tag, attributes in elements.found if tag in kept
    ]
    assert_snapshot("page-structure.txt", "\n".join(lines) + "\n")


def test_pictures_carry_their_words_and_a_missing_one_its_reason(make_sample: Callable[[str], Report]) -> None:
    exhibits = Exhibits(
        pictures=[Picture("a", "Title", PNG, "What is drawn"), Picture("b", "Other", missing="no answer")]
    )
    elements = Elements(page(make_sample("all_passed"), exhibits=exhibits))
    (image,) = (attributes for tag, attributes in elements.found if tag == "img")
    assert image["alt"] == "What is drawn"
    assert "No picture “Other”: no answer." in elements.text


def test_activations_are_told_by_layer_and_a_mostly_dead_one_stands_out(make_sample: Callable[[str], Report]) -> None:
    html = page(make_sample("all_passed"), exhibits=some_exhibits("stem.0"))
    assert "1 of 8" in html
    assert re.search(r'class="digits alarming">4 of 4<', html)
    assert "last, call 2" in html
    assert "not finite" in html
    assert "A dead channel says the same for every image" in html


def test_exhibits_survive_their_way_through_json() -> None:
    assert decoded(encoded(some_exhibits())) == some_exhibits()


# ----------------------------------------------------------------------------------------------------------- the source


def test_the_marked_line_has_its_number_its_note_and_a_link(make_report: Any, make_check: Any) -> None:
    failed = make_check(3, "failed", message="It is wrong.\nMore.", where=Where(file="residual_block.py", line=5))
    html = page(make_report("failed", [failed]), submission=a_submission())
    marked = re.search(r'<span class="line here" id="cvlab-here"><span class="number-of-line">5</span>', html)
    assert marked
    assert "↑ It is wrong." in html[marked.end() :]
    assert 'href="#cvlab-here"' in html


def test_the_way_to_an_exception_is_told_step_by_step_and_the_last_is_a_link(
    make_sample: Callable[[str], Report],
) -> None:
    html = page(make_sample("exception_explained"), submission=a_submission("\n" * 60))
    way = re.search(r'<ol class="way">(.*?)</ol>', html, re.DOTALL)
    assert way
    steps = [" ".join(re.sub(r"<[^>]+>", " ", step).split()) for step in way[1].split("</li>") if step.strip()]
    assert steps == [
        "residual_block.py, line 58, in TinyResNet.forward x = self.stage2(self.stage1(self.stem(x)))",
        "residual_block.py, line 36, in BasicBlock.refine (12 times in a row) "
        "return self.refine(x, steps - 1) if steps else self.project(x)",
        "residual_block.py, line 41, in BasicBlock.project return torch.relu(out + self.shortcut(x))",
    ]
    assert way[1].count('href="#cvlab-here"') == 1


def test_every_link_leads_somewhere(sample: Report) -> None:
    elements = Elements(page(sample, submission=a_submission(), exhibits=some_exhibits()))
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for tag, attributes in elements.found if tag == "a"} <= {f"#{name}" for name in ids}


def test_words_are_coloured_and_together_they_are_the_source() -> None:
    lines = listing(a_submission(), {}).lines
    assert "".join("".join(text for _, text in line.words) + "\n" for line in lines) == SOURCE
    kinds = {text: kind for line in lines for kind, text in line.words}
    assert (kinds["class"], kinds["Block"], kinds["# a comment"], kinds["1"]) == (
        "keyword",
        "name",
        "comment",
        "number",
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n",
        "x",
        "\n\n\n",
        "'''never closed\n",
        "\ufeffx = 1\n",
        "a\rb\n",
        "é = '検査🎉'\n",
        "\x00\x0c\n",
        "f'{x!r:{y}}\n",
    ],
)
def test_odd_sources_keep_every_line(source: str) -> None:
    lines = listing(a_submission(source), {}).lines
    assert [line.number for line in lines] == list(range(1, len(source.removesuffix("\n").split("\n")) + 1))


def test_a_long_source_is_cut_around_the_line_to_look_at_first() -> None:
    shown = listing(a_submission("x = 1\n" * 5000), {4000: "here"}, first=4000)
    assert len(shown.lines) == MOST_LINES
    assert shown.left_out == 5000 - MOST_LINES
    assert [line.number for line in shown.lines if line.is_first and line.note == "here"] == [4000]


@pytest.mark.parametrize("piece", ["'", '"""', "(", "\\", "f'{", "a.", "@", "0x", "\n'''", " " * 7 + "#", "async "])
def test_of_a_hostile_source_no_more_than_a_page_is_read(piece: str) -> None:
    source = (piece * 1_000_000)[:1_000_000]
    shown = listing(a_submission(source), {1: "here"}, first=1)
    assert len(shown.lines) <= MOST_LINES
    assert max(sum(len(text) for _, text in line.words) for line in shown.lines) <= LONGEST_LINE + 1


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (Where(file="n.ipynb[cell 2]", line=1), 1),
        (Where(file="n.ipynb[cell 5]", line=2), 4),
        (Where(file="n.ipynb[cell 9]", line=1), None),
        (Where(file="other.py", line=1), None),
    ],
)
def test_a_place_in_a_notebook_is_found_in_the_joined_source(where: Where, line: int | None) -> None:
    notebook = a_submission("a\nb\nc\nd\n", name="n.ipynb", cells=[(1, 2), (3, 5)])
    assert line_of(notebook, where) == line
    headings = [(shown.heading, shown.number) for shown in listing(notebook, {}).lines]
    assert headings == [("cell 2", 1), ("", 2), ("cell 5", 1), ("", 2)]


def test_a_fragment_shows_a_few_lines_only_and_none_without_a_place(make_report: Any, make_check: Any) -> None:
    submission = a_submission("x = 1\n" * 100)
    failed = make_check(3, "failed", where=Where(file="residual_block.py", line=50))
    html = fragment(make_report("failed", [failed]), submission=submission)
    assert re.findall(r'number-of-line">(\d+)<', html) == [str(line) for line in range(46, 55)]
    assert 'number-of-line"' not in fragment(make_report("passed", [make_check(3, "passed")]), submission=submission)


# ---------------------------------------------------------------------------------------------------- in a real browser


def chromium() -> str:
    """Return this machine's Chromium; a learner's may have none, where changes are judged it must not be missing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium: .ci/run should have installed it")
    return found or pytest.skip("no Chromium on this machine; install one to have the page judged")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
WIDTHS = pytest.mark.parametrize("width", [390, 1200])


@SCHEMES
@WIDTHS
def test_everybody_can_read_it(
    browser: Any, sample: Report, sample_name: str, scheme: str, width: int, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    folder = Path(os.environ.get("CVLAB_SCREENSHOTS") or tmp_path)
    submission = a_submission(name=sample.submission)
    file = tmp_path / "page.html"
    file.write_text(page(sample, title="Residual block", submission=submission, exhibits=some_exhibits()), "utf-8")
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        shown = context.new_page()
        told: list[str] = []
        shown.on("console", lambda message: told.append(message.text))
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        shown.screenshot(path=folder / f"{sample_name}-{scheme}-{width}.png", full_page=True)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
        assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
        assert told == []  # the page's policy had nothing to forbid
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()
        dark = shown.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert dark == ("rgb(21, 23, 26)" if scheme == "dark" else "rgb(251, 251, 249)")


@SCHEMES
def test_a_fragment_is_as_readable_within_another_page(
    browser: Any, make_sample: Callable[[str], Report], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    part = fragment(make_sample("one_failure_diagnosed"), submission=a_submission(), exhibits=some_exhibits())
    light = "true" if scheme == "light" else "false"  # as JupyterLab says it, whatever the system prefers
    host = (
        f'<!doctype html><html lang="en"><title>n</title><body data-jp-theme-light="{light}"><main><h1>n</h1><h2>n</h2>'
    )
    with browser.new_context(color_scheme="dark" if scheme == "light" else "light") as context:
        shown = context.new_page()
        shown.set_content(host + part)
        ground = shown.evaluate("getComputedStyle(document.querySelector('.cvlab')).backgroundColor")
        found = Axe().run(shown)
    assert found.violations_count == 0, found.generate_report()
    assert ground == ("rgb(21, 23, 26)" if scheme == "dark" else "rgb(251, 251, 249)")


def test_a_hostile_page_runs_nothing(browser: Any, make_report: Any, make_check: Any) -> None:
    failed = make_check(0, "failed", title=ATTACK, message=ATTACK)
    html = page(make_report("failed", [failed], output=ATTACK), title=ATTACK, submission=a_submission(ATTACK))
    with browser.new_context() as context:
        shown = context.new_page()
        shown.set_content(html)
        assert shown.evaluate("window.owned") is None
