"""Questions about a number."""


def number(solution):
    """The number."""
    return solution.NUMBER
