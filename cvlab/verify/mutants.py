"""First-order mutants of a reference solution: one small wrong edit each, to find out whether hidden checks notice.

Only the operators of the mutation tool are used (`cvlab.verify.operators`), never its runner; nothing touches the disk.
"""

from __future__ import annotations

import ast
import copy
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cvlab.errors import GraderError

Span = tuple[int, int]
"""Offsets of the first character and of the one behind the last."""

#: Where a binary operator stands between two operands. The tool would also turn the `*` of `def f(a, *, b)` into `/`
#: and the `**` of `{**a}` into `*`, which changes a signature or a type and no arithmetic.
ARITHMETIC = frozenset({"arith_expr", "term", "power", "shift_expr", "and_expr", "xor_expr", "expr"})

#: Conditions of blocks that do not run when a solution is imported and asked.
NEVER_RUN = frozenset({"__name__ == '__main__'", "TYPE_CHECKING", "typing.TYPE_CHECKING"})


@dataclass(frozen=True)
class Mutant:
    """The reference with one edit.

    `id` is `<def or class>/<operator>/<ordinal>`, as in `BasicBlock.forward/SwapArguments/0`: the ordinal counts the
    edits that this operator can make in that function, from top to bottom. So it stays when lines, comments or other
    functions come and go, and changes only with an earlier place for the same operator in the same function.
    Code outside functions and classes has the name `<module>`.
    """

    id: str
    operator: str
    """Name of the operator: `core/...` are the tool's, `cvlab/...` ours."""
    line: int
    """1-based line of the edit in the reference."""
    before: str
    """The lines that change, as they are in the reference, without their common indentation."""
    after: str
    """The same lines in the mutant; empty when they are gone."""
    source: str
    """The whole mutated file."""


def mutants(source: str) -> list[Mutant]:
    """Return the mutants of `source` from top to bottom, each another program than the reference and all others.

    Raises `GraderError` when the mutation tool is not installed or `source` is not valid Python.
    """
    try:
        # Here and not above: only authors who verify have the tool.
        from cvlab.verify.operators import chosen_operators
    except ImportError as error:
        raise GraderError(
            "mutants of the reference",
            f"the mutation tool is not installed ({error}).",
            "Run: pip install 'cvlab-drills[author]'",
        ) from error

    text = _Text(source)
    reference = _compiled(source)
    if reference is None:
        raise GraderError(
            "mutants of the reference", "it is not valid Python.", "Correct the reference solution first."
        )
    untouched = list(_spans_left_alone(reference, text))
    scopes = list(_scopes(reference, text))
    # An edit that gives the same program as the reference, or as an earlier mutant, teaches nothing twice.
    seen = {_program(reference)}
    ordinals: Counter[tuple[str, str]] = Counter()
    found = []
    for operator, place, mutated in _edits(source, text, chosen_operators()):
        if any(start <= place < end for start, end in untouched):
            continue
        # Numbered before anything is dropped as invalid or double, so dropping one renumbers no other.
        key = (_scope_of(place, scopes), operator.partition("/")[2])
        ordinal = ordinals[key]
        ordinals[key] += 1
        tree = _compiled(mutated)
        if tree is None:  # what does not compile is no wrong program but no program: any check would fail it
            continue
        program = _program(tree)
        if program not in seen:
            seen.add(program)
            before, after = _changed_lines(source, mutated)
            line = source.count("\n", 0, place) + 1
            found.append(Mutant(f"{key[0]}/{key[1]}/{ordinal}", operator, line, before, after, mutated))
    return found


def _edits(source: str, text: _Text, operators: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Yield operator, offset and mutated source of every edit the operators can make, from top to bottom."""
    from cosmic_ray.ast import ast_nodes, get_ast

    tree = get_ast(source)
    places = []
    for node in ast_nodes(tree):
        if node.parent is None:
            continue
        for rank, (name, operator) in enumerate(operators.items()):
            if "BinaryOperator" in name and node.parent.type not in ARITHMETIC:
                continue
            for index, (start, _) in enumerate(operator.mutation_positions(node)):
                places.append((text.offset(*start), rank, index, name, node))
    for place, _, index, name, node in sorted(places, key=lambda each: each[:3]):
        yield name, place, _edited(text, node, operators[name], index)


def _edited(text: _Text, node: Any, operator: Any, index: int) -> str:
    """Return the source with edit number `index` of `operator` made in a copy of `node`."""
    # Operators change a node where it stands. A copy that knows the same parent spares parsing the file anew each time;
    # while it is edited it stands in the tree, since operators look at their surroundings.
    siblings = node.parent.children
    position = next(i for i, sibling in enumerate(siblings) if sibling is node)
    siblings[position] = duplicate = copy.deepcopy(node, {id(node.parent): node.parent})
    try:
        changed = operator.mutate(duplicate, index)
    finally:
        siblings[position] = node
    start, end = text.offset(*node.start_pos), text.offset(*node.end_pos)
    if changed is None:  # a decorator goes with its whole line
        return text.source[: text.offset(node.start_pos[0], 0)] + text.source[end:]
    # Some operators forget the blank or the line break before a node, some write one more; the source keeps its own.
    code: str = changed.get_code().removeprefix(node.get_first_leaf().prefix).lstrip(" ")
    return text.source[:start] + code + text.source[end:]


def _spans_left_alone(tree: ast.Module, text: _Text) -> Iterator[Span]:
    """Yield the parts of a reference that are not mutated. Imports need no entry: no operator touches one."""
    for node in ast.walk(tree):
        # Docstrings say nothing to the machine.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield text.span(node)
        # Annotations are not run, or only to be looked at: the `|` of `float | None` is no arithmetic.
        elif isinstance(node, ast.arg) and node.annotation:
            yield text.span(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            yield text.span(node.returns)
        elif isinstance(node, ast.AnnAssign):
            yield text.span(node.annotation)
        # What does not run cannot be noticed.
        elif isinstance(node, ast.If) and ast.unparse(node.test) in NEVER_RUN:
            yield text.span(node)
        # Words of an error message are for people; a check that pins them would be unfair.
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield text.span(node.exc)
        elif isinstance(node, ast.Assert) and node.msg:
            yield text.span(node.msg)


def _scopes(tree: ast.AST, text: _Text, outer: str = "") -> Iterator[tuple[Span, str]]:
    """Yield the span, decorators included, and the qualified name of each def and class; outer ones first."""
    for node in ast.iter_child_nodes(tree):
        name = outer
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{node.name}".lstrip(".")
            start, end = text.span(node)
            yield (min([start, *(text.span(decorator)[0] - 1 for decorator in node.decorator_list)]), end), name
        yield from _scopes(node, text, name)


def _scope_of(place: int, scopes: list[tuple[Span, str]]) -> str:
    return next((name for (start, end), name in reversed(scopes) if start <= place < end), "<module>")


def _compiled(source: str) -> ast.Module | None:
    """Return the tree of `source`, or None when Python cannot compile it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrong program may well look odd to the compiler
        try:
            compile(source, "<mutant>", "exec", dont_inherit=True)
            return ast.parse(source)
        except (SyntaxError, ValueError):
            return None


def _program(tree: ast.Module) -> str:
    """Return what two sources have in common exactly when they are the same program to Python."""
    return ast.dump(_WithoutWords().visit(copy.deepcopy(tree)))


class _WithoutWords(ast.NodeTransformer):
    """Removes docstrings and annotations, which do not change what a program computes."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _changed_lines(reference: str, mutated: str) -> tuple[str, str]:
    """Return the lines of each that the other has not, from the first that differs to the last."""
    before, after = reference.splitlines(), mutated.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return textwrap.dedent("\n".join(before)).strip(), textwrap.dedent("\n".join(after)).strip()


class _Text:
    """A source whose lines and columns, the parser's or Python's, can be turned into offsets."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a 1-based line and a column in characters."""
        return self.starts[line - 1] + column

    def span(self, node: Any) -> Span:
        """Return the offsets of a node of `ast`, which counts columns in bytes of UTF-8."""
        return self._from_bytes(node.lineno, node.col_offset), self._from_bytes(node.end_lineno, node.end_col_offset)

    def _from_bytes(self, line: int, column: int) -> int:
        return self.offset(line, len(self.lines[line - 1].encode()[:column].decode()))
