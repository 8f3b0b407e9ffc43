"""Where a statement of Python begins: a tracker of strings, brackets and backslashes that parses nothing."""

from __future__ import annotations

import re

_OUTSIDE_STRINGS = re.compile(r"""\#|'''|\"\"\"|['"(\[{)\]}]|\\$""", re.VERBOSE)
_INSIDE_STRING = {quote: re.compile(rf"\\.?|{quote}") for quote in ("'", '"', "'''", '"""')}


class StatementTracker:
    """Knows, after each line, whether the next one starts a statement: outside strings, brackets and continuations.

    Its limit: since Python 3.12 an f-string may use its own quote inside braces. Such a line is read as several
    strings, which comes out right unless a triple quote or an odd bracket lies between them.
    """

    def __init__(self) -> None:
        self.quote = ""  # of the string that is open
        self.depth = 0  # of open brackets
        self.continued = False  # by a backslash at the end of the last line

    @property
    def at_statement(self) -> bool:
        """Whether the next line starts a statement."""
        return not (self.quote or self.depth or self.continued)

    def feed(self, line: str) -> None:
        """Take in one line, without its newline."""
        position, self.continued = 0, False
        while match := (_INSIDE_STRING[self.quote] if self.quote else _OUTSIDE_STRINGS).search(line, position):
            piece, position = match[0], match.end()
            if piece == "\\":  # only the last character of a line is matched alone
                self.continued = True
            elif self.quote:
                self.quote = "" if piece == self.quote else self.quote
            elif piece == "#":
                break
            elif piece in "([{":
                self.depth += 1
            elif piece in ")]}":
                self.depth = max(0, self.depth - 1)
            else:
                self.quote = piece
        if len(self.quote) == 1 and not self.continued:  # never closed: a syntax error that ends with its line
            self.quote = ""
