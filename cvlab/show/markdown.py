"""A drill's brief and hints on a terminal: Markdown that stays readable in a narrow window."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement, TableElement
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from cvlab.show import wording

#: Colours of the terminal's own theme, so that code can be read on dark and on light.
THEME = "ansi_dark"

WIDEST = 100
"""Longer lines of prose are hard to read."""

_STYLES = {"h1": "bold underline", "h2": "bold cyan", "h3": "bold"}

#: Code in a sentence has a colour and no background, so that the sentence stays one.
_QUIET = {"markdown.code": "cyan", "markdown.h1": "", "markdown.h2": "", "markdown.h3": ""}


def print_markdown(text: str, console: Console) -> None:
    """Print `text`, which is ours and not a learner's, at the console's width, or at most `WIDEST` cells."""
    with console.use_theme(Theme(_QUIET)):
        console.print(_Markdown(wording.encodable(text, console.encoding)), width=min(console.width, WIDEST))


def print_source(source: str, console: Console) -> None:
    """Print Python source in colours, with its lines numbered."""
    shown = wording.encodable(source, console.encoding)
    console.print(Syntax(shown, "python", theme=THEME, line_numbers=True, word_wrap=True, background_color="default"))


_DRAWN = re.compile("[\u2500-\u25ff]")
_COMMENT = re.compile(r"\s+# *")
_BREAK = re.compile(r"(,|(?<=\))(?= ->)) ")

DEEPEST = 8
"""Where the arguments of a function begin that go on below it."""


class _Heading(Heading):
    """A heading at the left margin: a centred one tears the page apart."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize(_STYLES.get(self.tag, "bold"))
        yield self.text


class _Code(CodeBlock):
    """A block of code. Python and formulas are folded where they are too wide; a drawing is cut, and that is said."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = str(self.text).rstrip("\n").split("\n")
        room = options.max_width - 2
        if self.lexer_name == "python":
            code = "\n".join(folded for line in lines for folded in _folded(line, room))
            syntax = Syntax(code, "python", theme=THEME, word_wrap=True, background_color="default")
            yield Padding(syntax, (0, 0, 0, 2))
            return
        is_drawing = any(_DRAWN.search(line) for line in lines)
        for line in lines:
            text = Text(line, no_wrap=is_drawing)
            if is_drawing:
                text.truncate(room, overflow="ellipsis")
            yield Padding(text, (0, 0, 0, 2 + len(line) - len(line.lstrip()) if not is_drawing else 2))
        widest = max(map(cell_len, lines)) + 2
        if is_drawing and widest - 2 > room:
            yield Text(f"  (This drawing is {widest} columns wide; the window has {options.max_width}.)", "dim")


class _Table(TableElement):
    """A table with no empty lines of its own around it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                part.show_edge = False
            yield part


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = Markdown.elements | {
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
    }

    def __init__(self, text: str) -> None:
        super().__init__(text, code_theme=THEME, hyperlinks=False)


def _folded(line: str, width: int) -> list[str]:
    """Return a line of Python as lines of `width`, as far as that goes: arguments and the comment move below it."""
    if cell_len(line) <= width:
        return [line]
    code, comment = [*_COMMENT.split(line, maxsplit=1), ""][:2]
    if not code.strip():
        return [line]
    remark = f"# {comment}" if comment else ""
    if remark and cell_len(code) + 2 + cell_len(remark) <= width:
        return [f"{code}  {remark}"]
    indent = len(code) - len(code.lstrip())
    goes_on = not code.lstrip().startswith(("def ", "class ", "from ", "import "))
    if goes_on and indent > DEEPEST:  # arguments below the parenthesis that they stand in
        indent, code = DEEPEST, " " * DEEPEST + code.lstrip()
    deeper = " " * (indent if goes_on else indent + 8)
    lines = []
    while cell_len(code) > width:
        breaks = [match.end(1) for match in _BREAK.finditer(code, 0, width) if match.end(1) > len(deeper)]
        if not breaks:
            break
        lines.append(code[: breaks[-1]])
        code = deeper + code[breaks[-1] :].lstrip()
    return [*lines, code, *([f"{' ' * (indent + 4)}{remark}"] if remark else [])]
