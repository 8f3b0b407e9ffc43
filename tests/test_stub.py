"""The stub: the reference without its marked parts."""

from __future__ import annotations

import pytest

from cvlab.errors import BankError
from cvlab.stub import stub_of

SOLUTION = '''"""A drill."""

# BEGIN SOLUTION
SECRET = 3


def helper():
    return SECRET
# END SOLUTION


class Net:
    """A net."""

    def forward(self, x):
        """Twice."""
        # BEGIN SOLUTION
        y = x + x
        return y
        # END SOLUTION


def top(x, *, more=1):
    # BEGIN SOLUTION
    return x
    # END SOLUTION
'''


def test_marked_parts_become_not_implemented_and_name_their_owner() -> None:
    stub = stub_of(SOLUTION)
    assert '        """Twice."""\n        raise NotImplementedError("Net.forward is yours to write")\n' in stub
    assert 'def top(x, *, more=1):\n    raise NotImplementedError("top is yours to write")\n' in stub


def test_parts_at_the_margin_vanish() -> None:
    stub = stub_of(SOLUTION)
    assert "SECRET" not in stub
    assert "helper" not in stub
    assert "SOLUTION" not in stub


def test_a_stub_compiles_and_raises_where_work_is_to_be_done() -> None:
    names: dict[str, object] = {}
    exec(stub_of(SOLUTION), names)
    with pytest.raises(NotImplementedError, match="top is yours to write"):
        names["top"](1)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("source", "fact"),
    [
        ("# BEGIN SOLUTION\nx = 1\n", "line 1: BEGIN SOLUTION is never ended"),
        ("x = 1\n# END SOLUTION\n", "line 2: END SOLUTION without a BEGIN"),
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n", "line 2: a second BEGIN SOLUTION"),
    ],
)
def test_markers_that_do_not_pair_up_are_refused_with_their_line(source: str, fact: str) -> None:
    with pytest.raises(BankError, match=fact):
        stub_of(source, "solution.py")
