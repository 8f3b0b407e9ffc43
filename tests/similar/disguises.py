"""What somebody does to a copy so that it looks like their own work: from a source to another."""

from __future__ import annotations

import ast
import builtins
import io
import itertools
import re
import tokenize
from collections.abc import Callable

#: Names that the drills' graders ask for: whoever renames these hands in nothing.
PINNED = re.compile(
    r"__\w+__|forward|self|conv\d|bn\d|shortcut|stem|stage\d|pool|head\w*|cls\w*|reg|fc\d?|patch_embed|pos_embed|blocks"
    r"|norm\d?|qkv|proj|attn|mlp|down\d?|up\d?|enc\w*|dec\w*|log_vars?|weights?|in_channels|out_channels|stride"
)


FLIPPED = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


def renamed(source: str) -> str:
    """Give every name of its own another one: variables, parameters, helpers, attributes that nobody asks for."""
    tree = ast.parse(source)
    api = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    api = {name for name in api if not name.startswith("_")}
    kept = {arg.arg for node in ast.walk(tree) for arg in _parameters(node, api)}
    bound = {name for node in ast.walk(tree) for name in _bound_by(node)} - kept - api
    bound = {name for name in bound if not PINNED.fullmatch(name) and not hasattr(builtins, name)}
    new = {name: f"{'_' * name.startswith('_')}thing_{number}" for number, name in enumerate(sorted(bound), start=1)}

    class Renaming(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            node.id = new.get(node.id, node.id)
            return node

        def visit_arg(self, node: ast.arg) -> ast.AST:
            self.generic_visit(node)
            node.arg = new.get(node.arg, node.arg)
            return node

        def visit_keyword(self, node: ast.keyword) -> ast.AST:
            self.generic_visit(node)
            if node.arg in parameters_of_helpers:
                node.arg = new.get(node.arg, node.arg)
            return node

        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            self.generic_visit(node)
            if node.attr in own_attributes:
                node.attr = new.get(node.attr, node.attr)
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            self.generic_visit(node)
            node.name = new.get(node.name, node.name)
            return node

        def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
            self.generic_visit(node)
            node.name = new.get(node.name, node.name)
            return node

        def visit_alias(self, node: ast.alias) -> ast.AST:
            if node.asname:
                node.asname = new.get(node.asname, node.asname)
            return node

    parameters_of_helpers = {
        arg.arg for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for arg in _all_parameters(node)
    } - kept
    own_attributes = {
        name for node in ast.walk(tree) if isinstance(node, ast.Attribute) for name in _bound_by(node)
    } | {
        method.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }
    return ast.unparse(Renaming().visit(tree)) + "\n"


def reformatted(source: str) -> str:
    """Break lines after every comma and opening bracket where Python allows it, at a depth of its own."""
    starts = [0, *itertools.accumulate(len(line) for line in source.splitlines(keepends=True))]
    breaks: list[int] = []
    depth, in_string = 0, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        in_string += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        if token.type != tokenize.OP or in_string:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if depth and token.string in "([{,":
            line, column = token.end
            breaks.append(starts[line - 1] + column)
    pieces = [source[start:end] for start, end in itertools.pairwise([0, *breaks, len(source)])]
    return "\n          ".join(pieces)


def without_comments(source: str) -> str:
    """Drop every comment and docstring."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


def with_other_comments(source: str) -> str:
    """Add a comment above every third line and a docstring to every function that has none."""
    tree = ast.parse(without_comments(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body.insert(0, ast.Expr(ast.Constant(f"Here {node.name} does what it should.\n\nNothing else.")))
    lines = ast.unparse(ast.fix_missing_locations(tree)).split("\n")
    inside, told = False, []
    for number, line in enumerate(lines):
        if number % 3 == 0 and not inside and line.strip():
            told.append(f"{line[: len(line) - len(line.lstrip())]}# step {number}: my own thought")
        inside ^= line.count('"""') % 2 == 1
        told.append(line)
    return "\n".join(told) + "\n"


def reordered(source: str) -> str:
    """Turn the order of top-level functions and of methods around, where nothing at import time needs it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            _turn_around(node.body)
    _turn_around(tree.body)
    return ast.unparse(tree) + "\n"


def annotated_otherwise(source: str) -> str:
    """Drop every annotation, or give every parameter one if there was none."""

    class Dropping(ast.NodeTransformer):
        dropped = 0

        def visit_arg(self, node: ast.arg) -> ast.AST:
            self.dropped += node.annotation is not None
            node.annotation = None
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            self.generic_visit(node)
            node.returns = None
            return node

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            if node.value is None:
                return node
            return ast.Assign([node.target], node.value)

    dropping = Dropping()
    tree = ast.fix_missing_locations(dropping.visit(ast.parse(source)))
    if not dropping.dropped:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                node.returns = ast.parse("object", mode="eval").body
                for arg in _all_parameters(node):
                    if arg.arg != "self":
                        arg.annotation = ast.parse("'dict[str, list[int]]'", mode="eval").body
    return ast.unparse(tree) + "\n"


def imported_otherwise(source: str) -> str:
    """Spell library names in full: `torch.nn.functional.relu` for `F.relu`, `torch.nn.Linear` for `nn.Linear`."""
    tree = ast.parse(source)
    full: dict[str, str] = {}
    for node in list(tree.body):
        if isinstance(node, ast.Import):
            full |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    modules = {name.rpartition(".")[0] or name for name in full.values()} | {"torch"}
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    tree.body = [
        *future,
        *(ast.Import([ast.alias(name)]) for name in sorted(modules | {"torch.nn", "torch.nn.functional"})),
        *(node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom) or _is_plain(node)),
    ]
    taken = {name for node in ast.walk(tree) for name in _bound_by(node)}

    class Spelling(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id in full and node.id not in taken:
                return ast.parse(full[node.id], mode="eval").body
            return node

    return ast.unparse(ast.fix_missing_locations(Spelling().visit(tree))) + "\n"


def padded(source: str) -> str:
    """Put a statement that does nothing after every fourth one."""
    tree, seen = ast.parse(source), 0
    for node in list(ast.walk(tree)):
        if not isinstance(node, ast.FunctionDef):
            continue
        body: list[ast.stmt] = []
        for statement in node.body:
            body.append(statement)
            seen += 1
            if seen % 4 == 0 and not isinstance(statement, ast.Return):
                body.append(ast.parse(f"unused_{seen} = {seen}").body[0])
        node.body = body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def turned_around(source: str) -> str:
    """Exchange the sides of sums, products and comparisons; swap `a if c else b` for `b if not c else a`."""

    class Turning(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.op, ast.Mult | ast.BitAnd | ast.BitOr):
                node.left, node.right = node.right, node.left
            return node

        def visit_Compare(self, node: ast.Compare) -> ast.AST:
            self.generic_visit(node)
            if len(node.ops) == 1 and type(node.ops[0]) in FLIPPED:
                (right,) = node.comparators
                return ast.Compare(right, [FLIPPED[type(node.ops[0])]()], [node.left])
            return node

        def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
            self.generic_visit(node)
            return ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)

    return ast.unparse(ast.fix_missing_locations(Turning().visit(ast.parse(source)))) + "\n"


def everything(source: str) -> str:
    """All disguises that leave each statement as it is, at once."""
    for disguise in (renamed, reordered, annotated_otherwise, imported_otherwise, with_other_comments, reformatted):
        source = disguise(source)
    return source


def everything_and_padded(source: str) -> str:
    """All of them, with idle statements in between."""
    return everything(padded(source))


def everything_and_turned(source: str) -> str:
    """All of them, with the sides of operators exchanged."""
    return everything(turned_around(source))


#: Disguises that must not hide a copy.
THIN: dict[str, Callable[[str], str]] = {
    f.__name__: f
    for f in (
        renamed,
        reformatted,
        without_comments,
        with_other_comments,
        reordered,
        annotated_otherwise,
        imported_otherwise,
        everything,
    )
}

#: Disguises that change statements, too.
THICK: dict[str, Callable[[str], str]] = {
    f.__name__: f for f in (padded, turned_around, everything_and_padded, everything_and_turned)
}


def half_of(source: str, other: str) -> str:
    """Return `other` with half of its top-level definitions replaced by those of the same name in `source`."""
    tree, donor = ast.parse(other), ast.parse(source)
    gifts = {node.name: node for node in donor.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    shared = [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in gifts
    ]
    sizes = {name: len(ast.unparse(gifts[name])) for name in shared}
    taken: set[str] = set()
    for name in sorted(shared, key=lambda name: -sizes[name]):
        if sum(sizes[each] for each in taken) < sum(sizes.values()) / 2:
            taken.add(name)
    tree.body = [gifts[node.name] if getattr(node, "name", None) in taken else node for node in tree.body]
    return ast.unparse(tree) + "\n"


def _is_plain(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.Import) and all(alias.asname is None for alias in node.names)


def _turn_around(body: list[ast.stmt]) -> None:
    places = [i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    for place, node in zip(places, [body[i] for i in reversed(places)], strict=True):
        body[place] = node


def _parameters(node: ast.AST, api: set[str]) -> list[ast.arg]:
    if isinstance(node, ast.FunctionDef) and (node.name in api or node.name in ("__init__", "forward")):
        return _all_parameters(node)
    return []


def _all_parameters(node: ast.FunctionDef) -> list[ast.arg]:
    several = [node.args.vararg] if node.args.vararg else []
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *several]


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
            return [name]
        case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
            return [name]
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
            return [name]
        case ast.alias(asname=str(name)):
            return [name]
    return []
