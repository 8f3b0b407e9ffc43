"""Cutting `probes.py` down to what the public checks ask, without running it.

Top-level statements are kept or left out as a whole, imports name by name. A name counts as used where Python's own
symbol table says that it is looked up among the module's names: a local variable called like a hidden probe does not
bring that along.
"""

from __future__ import annotations

import ast
import itertools
import symtable
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from cvlab.errors import BankError

LONGEST_LINE = 120

Import = ast.Import | ast.ImportFrom


@dataclass
class _Statement:
    node: ast.stmt
    first: int
    """Number of its first line, decorators and the comment right above it included."""
    text: str
    defines: set[str]
    uses: set[str]
    after_gap: bool = False
    """Whether an empty line stands before it."""

    @property
    def is_block(self) -> bool:
        return isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


@dataclass
class _Names:
    """Which names a source knows the module `probes` by, and which of its own it uses."""

    modules: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


def names_used_of_probes(checks: str, name: str) -> set[str]:
    """Return what a check file takes from `probes`; raises BankError where that cannot be told by reading it."""
    tree = _parsed(checks, name)
    found = _Names()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.modules |= {alias.asname or alias.name for alias in node.names if alias.name == "probes"}
        elif isinstance(node, ast.ImportFrom) and node.module == "probes" and not node.level:
            found.wanted |= {alias.name for alias in node.names}
    inside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in found.modules:
            found.wanted.add(node.attr)
        elif isinstance(node, ast.Name) and node.id in found.modules and id(node) not in inside:
            fact = "it uses `probes` other than by naming what it takes, so a kit cannot hold just that."
            raise BankError(f"{name}, line {node.lineno}", fact, "Write probes.NAME for each probe.")
    return found.wanted - {"*"}


def cut(source: str, wanted: Collection[str], *, docstring: str, name: str = "probes.py") -> str:
    """Return the part of a module that defines `wanted`, with everything that these need and nothing else.

    Raises BankError for a name that is not defined there, or a module that cannot be read.
    """
    statements = _statements(source, name)
    defined = {called for statement in statements for called in statement.defines}
    if missing := sorted(set(wanted) - defined):
        raise BankError(name, f"the public checks ask for {', '.join(missing)}, which it does not define.", "Mend one.")
    needed = _closure(statements, wanted)
    kept = [(statement, text) for statement in statements if (text := _kept_text(statement, needed))]
    lines = [f'"""{docstring}"""']
    before: _Statement | None = None
    for statement, text in kept:
        apart = 2 if statement.is_block or (before and before.is_block) else int(statement.after_gap or before is None)
        lines += [""] * apart + [text]
        before = statement
    return "\n".join(lines) + "\n"


def definitions(source: str, name: str = "probes.py") -> dict[str, str]:
    """Return the text of every top-level function, class and assignment, by its first name."""
    return {
        min(statement.defines): statement.text
        for statement in _statements(source, name)
        if statement.defines and not isinstance(statement.node, Import)
    }


def _parsed(source: str, name: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as problem:
        raise BankError(f"{name}, line {problem.lineno}", f"this is not Python: {problem.msg}.", "Mend it.") from None


def _statements(source: str, name: str) -> list[_Statement]:
    body = _parsed(source, name).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]  # the docstring
    lines = source.splitlines()
    found = []
    for node in body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        text = "\n".join(lines[first - 1 : node.end_lineno])
        uses = _looked_up(symtable.symtable(ast.unparse(node), name, "exec")) | _annotated(node)
        while first > 1 and lines[first - 2].startswith("#"):
            first -= 1
            text = f"{lines[first - 1]}\n{text}"
        after_gap = first > 1 and not lines[first - 2].strip()
        found.append(_Statement(node, first, text, set(_bound_by(node)), uses, after_gap))
    for one, other in itertools.pairwise(found):
        if other.node.lineno <= (one.node.end_lineno or 0):
            raise BankError(f"{name}, line {other.node.lineno}", "two statements share a line.", "Give each its own.")
    return found


def _looked_up(table: symtable.SymbolTable) -> set[str]:
    """Return the names that a piece of a module looks up among the module's own."""
    outermost = table.get_type() == "module"
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (outermost or symbol.is_global())
    }
    return names.union(*(_looked_up(child) for child in table.get_children()))


def _annotated(node: ast.stmt) -> set[str]:
    """Return the names in annotations, which are looked up by nobody but readers."""
    hints = [one.annotation for one in ast.walk(node) if isinstance(one, (ast.arg, ast.AnnAssign))]
    hints += [one.returns for one in ast.walk(node) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {name.id for hint in hints if hint for name in ast.walk(hint) if isinstance(name, ast.Name)}


def _bound_by(node: ast.stmt) -> Iterable[str]:
    """Yield the names that a top-level statement gives a value for the first time."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, Import):
        yield from (_called(alias) for alias in node.names)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name) and _is_stored(one))
    else:  # if, try, with, for: whatever is bound in them
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield from _bound_by(child)
            elif isinstance(child, ast.ExceptHandler):
                for inner in child.body:
                    yield from _bound_by(inner)


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _called(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _closure(statements: list[_Statement], wanted: Collection[str]) -> set[str]:
    """Return all names that are needed for `wanted` to be defined and to work."""
    imported = {name for one in statements if isinstance(one.node, Import) for name in one.defines}
    own = {name for one in statements for name in one.defines} - imported
    needed = set(wanted)
    while True:
        more = {
            name
            for one in statements
            if not isinstance(one.node, Import) and (one.defines & needed or _acts_on(one, needed, own))
            for name in one.uses | one.defines
        }
        if more <= needed:
            return needed
        needed |= more


def _acts_on(statement: _Statement, needed: set[str], own: set[str]) -> bool:
    """Tell whether a statement that defines nothing does something with names that are all kept, or with none."""
    return not statement.defines and statement.uses & own <= needed


def _kept_text(statement: _Statement, needed: set[str]) -> str:
    """Return what stays of a statement, which may be nothing."""
    node = statement.node
    if not isinstance(node, Import):
        used = bool(statement.defines & needed) or (not statement.defines and statement.uses <= needed)
        return statement.text if used else ""
    if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
        return statement.text
    kept = [alias for alias in node.names if _called(alias) in needed]
    if len(kept) == len(node.names):
        return statement.text
    if not kept:
        return ""
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(kept))
    line = ast.unparse(ast.ImportFrom(node.module, kept, node.level))
    if len(line) <= LONGEST_LINE:
        return line
    names = "".join(f"    {ast.unparse(ast.Import([alias])).removeprefix('import ')},\n" for alias in kept)
    return f"from {'.' * node.level}{node.module or ''} import (\n{names})"
