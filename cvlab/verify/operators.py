"""Which wrong edits `cvlab verify` makes in a reference: the mutation tool's operators, and a few for tensor code.

The operators are cosmic-ray's (https://github.com/sixty-north/cosmic-ray). This module chooses among them and adds, in
the tool's own `Operator` interface, slips of tensor code the tool has no word for. It needs `cvlab-drills[author]`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Name

#: A node or leaf of the tool's parse tree; untyped, because its types do not say which of the two has children.
Node = Any

Position = tuple[int, int]
"""1-based line, 0-based column, as the tool counts."""

Edit = tuple[Position, Position, str]
"""From where, to where, and what to write there instead."""


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list that is easier to read as a paragraph."""
    return tuple(text.split())


#: The tool's operators that are used. It can turn each binary operator into eleven others and each comparison into
#: seven: what is left out dies of a TypeError on tensors, or is killed by whatever kills its neighbour in this list.
#: VariableReplacer and VariableInserter are left out since they draw at random: a mutant is the same every time.
CHOSEN = words("""
    ReplaceBinaryOperator_Add_Sub ReplaceBinaryOperator_Add_Mul ReplaceBinaryOperator_Sub_Add
    ReplaceBinaryOperator_Mul_Div ReplaceBinaryOperator_Mul_Add ReplaceBinaryOperator_Div_Mul
    ReplaceBinaryOperator_Div_FloorDiv ReplaceBinaryOperator_FloorDiv_Div ReplaceBinaryOperator_FloorDiv_Mul
    ReplaceBinaryOperator_Mod_FloorDiv ReplaceBinaryOperator_Pow_Mul ReplaceBinaryOperator_RShift_LShift
    ReplaceBinaryOperator_LShift_RShift ReplaceBinaryOperator_BitOr_BitAnd ReplaceBinaryOperator_BitAnd_BitOr
    ReplaceBinaryOperator_BitXor_BitAnd
    ReplaceComparisonOperator_Eq_NotEq ReplaceComparisonOperator_NotEq_Eq ReplaceComparisonOperator_Lt_LtE
    ReplaceComparisonOperator_Lt_GtE ReplaceComparisonOperator_LtE_Lt ReplaceComparisonOperator_LtE_Gt
    ReplaceComparisonOperator_Gt_GtE ReplaceComparisonOperator_Gt_LtE ReplaceComparisonOperator_GtE_Gt
    ReplaceComparisonOperator_GtE_Lt ReplaceComparisonOperator_Is_IsNot ReplaceComparisonOperator_IsNot_Is
    ReplaceUnaryOperator_Delete_USub ReplaceUnaryOperator_Delete_Invert ReplaceUnaryOperator_Delete_Not
    AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr ReplaceOrWithAnd
    ReplaceBreakWithContinue ReplaceContinueWithBreak ExceptionReplacer NumberReplacer RemoveDecorator
    ZeroIterationForLoop""")

#: Calls and attributes that give a size, a plain number or a container: nothing with a gradient.
NO_TENSOR = words("""
    shape size dim ndim numel item tolist dtype device len range enumerate zip str list tuple dict set sorted
    isinstance issubclass getattr hasattr setattr super print type""")

#: Makers of tensors, which have no gradient to lose and whose first argument is a size or a number.
MAKERS = words("""
    zeros ones full empty eye arange linspace rand randn randint randperm tensor as_tensor from_numpy manual_seed
    zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full new_tensor new_empty""")

#: Steps after which no gradient flows anyway, and names of what is given: a `.detach()` behind them changes nothing.
NO_GRADIENT = words("""
    detach argmax argmin argsort int long bool nonzero one_hot bincount nms batched_nms floor ceil round sign
    target targets label labels""")

#: Calls whose last two positional arguments may trade places without changing a thing.
SYMMETRIC = words("""
    max min maximum minimum add mul eq ne logical_and logical_or logical_xor transpose swapaxes swapdims equal isclose
    allclose mse_loss l1_loss smooth_l1_loss huber_loss""")

#: Calls for which the order inside a tuple does not matter: reductions over several dims, and tuples of types.
UNORDERED = words("""
    sum mean amax amin var std var_mean std_mean logsumexp norm flip squeeze any all max min isinstance issubclass""")

#: What holds a statement; the last two when the file ends without a line break.
BLOCKS = ("simple_stmt", "suite", "file_input")


class Rewrite(Operator):  # type: ignore[misc]  # the tool ships no types
    """An operator told by its edits of one node's text."""

    @abstractmethod
    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield every edit this operator can make of `node` itself; never one that belongs to a child."""

    def mutation_positions(self, node: Node) -> Iterator[tuple[Position, Position]]:
        """Yield where each edit begins and ends."""
        for start, end, _ in self.edits(node):
            yield start, end

    def mutate(self, node: Node, index: int) -> Node:
        """Return a leaf that spells `node` with edit number `index` made."""
        start, end, code = list(self.edits(node))[index]
        before, after = text_between(node, node.start_pos, start), text_between(node, end, node.end_pos)
        # The tool only ever asks a tree for its text, so one leaf can stand for a whole expression.
        return Name(before + code + after, node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return source before and after, in the tool's own form."""


class SwapArguments(Rewrite):
    """Two neighbouring positional arguments of a call trade places."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield the swap of each pair, except where nobody could tell."""
        for name, trailer in calls(node):
            arguments = positional(trailer)
            for position, pair in enumerate(pairwise(arguments)):
                last = position == len(arguments) - 2
                if name not in NO_TENSOR and not (last and name in SYMMETRIC):
                    yield from swap(node, *pair)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("y = x.view(b, -1)", "y = x.view(-1, b)"),
            Example("y = f(a, b, c=d)", "y = f(b, a, c=d)"),
            Example("y = x.transpose(1, 2)", "y = x.transpose(1, 2)"),
            Example("y = torch.transpose(x, 1, 2)", "y = torch.transpose(1, x, 2)"),
        )


class SwapElements(Rewrite):
    """Two neighbouring elements of a tuple, a list, an unpacking or an index trade places."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield the swap of each pair, except where nobody could tell."""
        listed = node.type in {"testlist_comp", "testlist_star_expr", "testlist", "exprlist", "subscriptlist"}
        if not listed or node.children[1] != "," or self.order_is_free(node):
            return
        for first, second in pairwise(node.children[::2]):
            # A slice or an ellipsis next to a number is another index altogether; the number operator tries that.
            if "subscript" not in (first.type, second.type) and "operator" not in (first.type, second.type):
                yield from swap(node, first, second)

    @staticmethod
    def order_is_free(node: Node) -> bool:
        """Return whether nobody could tell that elements of `node` traded places."""
        holder = node.parent.parent if node.parent.type == "atom" else node.parent
        if holder.type in {"comparison", "except_clause", "del_stmt"}:
            return True
        if holder.type == "expr_stmt":
            return bool(holder.children[0].get_code(include_prefix=False) == "__all__")
        if holder.type == "argument":
            if holder.children[0].get_code(include_prefix=False) in {"dim", "axis"}:
                return True
            holder = holder.parent
        trailer = holder.parent if holder.type == "arglist" else holder
        return trailer.type == "trailer" and any(
            name in UNORDERED and call.start_pos == trailer.start_pos for name, call in calls(trailer.parent)
        )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("h, w = x.shape[-2:]", "w, h = x.shape[-2:]"),
            Example("y = torch.stack([dx, dy], dim=-1)", "y = torch.stack([dy, dx], dim=-1)"),
            Example("z = grid[y, x]", "z = grid[x, y]"),
            Example("z = grid[:, 0]", "z = grid[:, 0]"),
            Example("y = x.mean(dim=(2, 3))", "y = x.mean(dim=(2, 3))"),
        )


class InsertDetach(Rewrite):
    """The gradient stops at a returned or assigned tensor, or at one term of an outermost sum or product."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield the detached expression, if `node` is one that may carry a gradient."""
        if self.ends_a_step(node) and may_be_tensor(node) and not without_gradients(node):
            yield node.start_pos, node.end_pos, f"{in_parentheses(node)}.detach()"

    @staticmethod
    def ends_a_step(node: Node) -> bool:
        """Return whether `node` is returned or assigned, or is one of several terms that carry gradients."""
        parent = node.parent
        if parent is None:
            return False
        if parent.type in {"testlist", "testlist_star_expr", "testlist_comp"} and parent.children[1] == ",":
            holder = (
                parent.parent.parent if parent.type == "testlist_comp" else parent.parent
            )  # with or without brackets
            return bool(holder.type == "return_stmt")
        if parent.type == "dictorsetmaker":
            return bool(node.get_previous_sibling() == ":" and parent.parent.parent.type == "return_stmt")
        if parent.type == "return_stmt":
            return True
        if parent.type in {"expr_stmt", "annassign"}:
            return bool(node.start_pos == parent.children[-1].start_pos) and len(parent.children) > 2
        if parent.type in {"arith_expr", "term"}:
            outer = parent.parent.parent if parent.parent.type == "atom" else parent.parent
            # Deeper terms are mostly targets and constants. Beside a lone number it is the whole sum over again.
            outermost = outer.type not in {"arith_expr", "term", "power", "factor"}
            return outermost and sum(map(may_be_tensor, parent.children[::2])) > 1 and may_be_tensor(parent)
        return False

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("def f(x):\n    return x", "def f(x):\n    return x.detach()"),
            Example("def f(x):\n    y = x ** 2", "def f(x):\n    y = (x ** 2).detach()"),
            Example("def f(x, y):\n    x += y", "def f(x, y):\n    x += y.detach()"),
            Example("def f(x, y):\n    return x + y", "def f(x, y):\n    return x.detach() + y", occurrence=1),
            Example("def f(x, y):\n    return x, y", "def f(x, y):\n    return x, y.detach()", occurrence=1),
            Example("def f(x):\n    return {'loss': x}", "def f(x):\n    return {'loss': x.detach()}"),
            Example("def f(x):\n    h = x.shape[2]", "def f(x):\n    h = x.shape[2]"),
            Example("def __init__(self):\n    self.a = b", "def __init__(self):\n    self.a = b"),
        )


class DeleteStatement(Rewrite):
    """A statement that is there for its effect is gone: a call, `a += b`, or an assignment into a part `a[i] = b`."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield `pass` for a statement that leaves no name undefined when it goes."""
        if node.parent is not None and node.parent.type in BLOCKS and self.has_only_an_effect(node):
            yield node.start_pos, node.end_pos, "pass"

    @staticmethod
    def has_only_an_effect(node: Node) -> bool:
        """Return whether `node` can go without leaving a name undefined."""
        if node.type == "expr_stmt":
            target, sign = node.children[0], node.children[1]
            into_part = target.type == "atom_expr" and target.children[-1].children[0] == "["
            return bool(into_part or (sign.type == "operator" and sign.value != "="))
        return any(True for _ in calls(node))

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("optimizer.zero_grad()", "pass"),
            Example("x += y", "pass"),
            Example("x[mask] = 0", "pass"),
            Example("x = 0", "x = 0"),
        )


class DropCall(Rewrite):
    """One call is forgotten: `relu(x)` becomes `x`, `x.relu()` becomes `x`."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield what is left of the chain for each call that can be forgotten."""
        # As a statement of its own, what is left would do nothing: that is the mutant DeleteStatement makes.
        if node.parent is not None and node.parent.type in BLOCKS:
            return
        for name, trailer in calls(node):
            # A view that is laid out anew has the same numbers: dropping `contiguous` is seldom wrong, never visible.
            if name in NO_TENSOR or name in MAKERS or name == "contiguous":
                continue
            index = next(i for i, child in enumerate(node.children) if child.start_pos == trailer.start_pos)
            if self.is_method_of_a_value(node, index):
                yield node.children[index - 1].start_pos, trailer.end_pos, ""
            elif not makes_an_object(name):
                for argument in positional(trailer)[:1]:
                    if may_be_value(argument):
                        yield node.start_pos, trailer.end_pos, in_parentheses(argument)

    @staticmethod
    def is_method_of_a_value(node: Node, index: int) -> bool:
        """Return whether trailer number `index` calls a method on a value, so that the value alone makes sense."""
        owner, first = node.children[: index - 1], node.children[0]
        if index < 2 or node.children[index - 1].children[0] != ".":
            return False
        if len(owner) == 2 and first.type == "name" and first.value == "super":
            return False
        if any(child.type == "trailer" and child.children[0] != "." for child in owner):
            return True
        if first.type == "name" and first.value in imported_names(node.get_root_node()):
            return False
        return not (len(owner) == 1 and first.type == "name" and first.value in {"self", "cls"})

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("import torch\ny = torch.relu(x + 1)", "import torch\ny = (x + 1)"),
            Example("y = self.bn(self.conv(x))", "y = self.conv(x)"),
            Example("y = self.bn(self.conv(x))", "y = self.bn(x)", occurrence=1),
            Example("y = x.permute(0, 2, 1).flatten(1)", "y = x.flatten(1)"),
            Example("y = x.permute(0, 2, 1).flatten(1)", "y = x.permute(0, 2, 1)", occurrence=1),
            Example("n = len(x)", "n = len(x)"),
        )


class DropKeyword(Rewrite):
    """A keyword argument is not handed on, so its default takes over."""

    def edits(self, node: Node) -> Iterator[Edit]:
        """Yield the call without each keyword whose value no other operator tries."""
        for _, trailer in calls(node):
            inside = trailer.children[1]
            arguments = inside.children if inside.type == "arglist" else [inside]
            for index, argument in enumerate(arguments):
                if argument.type != "argument" or argument.children[1] != "=" or self.is_tried_otherwise(argument):
                    continue
                if index > 0:
                    yield arguments[index - 2].end_pos, argument.end_pos, ""
                elif len(arguments) > 2:
                    yield argument.start_pos, arguments[2].start_pos, ""
                else:
                    yield argument.start_pos, argument.end_pos, ""

    @staticmethod
    def is_tried_otherwise(argument: Node) -> bool:
        """Return whether the value is a number or a flag, which the tool changes itself, or None, the usual default."""
        value = argument.children[2]
        return value.type in {"number", "factor"} or value in ("True", "False", "None")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what is edited, and what is not."""
        return (
            Example("y = conv(x, stride=stride)", "y = conv(x)"),
            Example("y = resize(x, mode='nearest', size=size)", "y = resize(x, size=size)"),
            Example("y = resize(mode='nearest', size=size)", "y = resize(size=size)"),
            Example("y = resize(x, antialias=True)", "y = resize(x, antialias=True)"),
        )


def chosen_operators() -> dict[str, Operator]:
    """Return the operators in a fixed order, each by its name: `core/` are the tool's, `cvlab/` those written here."""
    # The provider is asked directly: the tool's plugin registry would add whatever else is installed on this machine.
    core = OperatorProvider()
    ours = (SwapArguments, SwapElements, InsertDetach, DeleteStatement, DropCall, DropKeyword)
    return {f"core/{name}": core[name]() for name in CHOSEN} | {f"cvlab/{one.__name__}": one() for one in ours}


def calls(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield name and parentheses of each call in the chain `node`; a call of `f(x)` or `f[0]` has the name ""."""
    if node.type != "atom_expr" or node.children[0] == "await":
        return
    for before, trailer in pairwise(node.children):
        if trailer.type == "trailer" and trailer.children[0] == "(":
            named = before.children[1] if before.type == "trailer" and before.children[0] == "." else before
            yield (named.value if named.type == "name" else ""), trailer


def positional(trailer: Node) -> list[Node]:
    """Return the positional arguments between the parentheses `trailer`, in order, up to the first starred one."""
    inside = trailer.children[1]
    if inside == ")":
        return []
    arguments = inside.children[::2] if inside.type == "arglist" else [inside]
    plain = [argument.type != "argument" for argument in arguments]
    return arguments[: plain.index(False) if False in plain else None]


def swap(node: Node, first: Node, second: Node) -> Iterator[Edit]:
    """Yield the edit of `node` that lets two of its parts trade places, unless they read the same."""
    one, other = first.get_code(include_prefix=False), second.get_code(include_prefix=False)
    if one != other:
        yield first.start_pos, second.end_pos, other + text_between(node, first.end_pos, second.start_pos) + one


def makes_an_object(name: str) -> bool:
    """Return whether `name` is spelled like a class whose objects are no tensors; a `Parameter` is one."""
    return name[:1].isupper() and name != "Parameter"


def may_be_value(node: Node) -> bool:
    """Return whether `node` reads like a value worth passing on: no literal, container, lambda or comprehension."""
    if node.type == "atom":
        return bool(node.children[0] == "(") and may_be_value(node.children[1])
    if node.type == "factor":
        return may_be_value(node.children[1])
    return node.type in {"name", "atom_expr", "arith_expr", "term", "power"}


def may_be_tensor(node: Node) -> bool:
    """Return whether `node` may be a tensor with a gradient, as far as its text tells."""
    if node.type in {"arith_expr", "term", "power"}:
        if any(sign in ("//", "%") for sign in node.children[1::2]):  # integers, or no gradient
            return False
        if any(part.type in {"string", "strings", "fstring"} for part in node.children[::2]):  # words
            return False
        return any(map(may_be_tensor, node.children[::2]))
    if node.type in {"atom", "factor"}:
        return may_be_value(node) and may_be_tensor(node.children[1])
    if node.type == "atom_expr":
        links = [child.children[1] for child in node.children if child.type == "trailer" and child.children[0] == "."]
        names = {link.value for link in [node.children[0], *links] if link.type == "name"}
        made = [name for name, _ in calls(node)][-1:]
        return names.isdisjoint(NO_TENSOR + MAKERS + NO_GRADIENT) and not any(makes_an_object(name) for name in made)
    return bool(node.type == "name" and node.value not in NO_GRADIENT)


def without_gradients(node: Node) -> bool:
    """Return whether `node` stands where no gradient is kept: outside functions, in `__init__`, under `no_grad`."""
    function = node.search_ancestor("funcdef")
    if function is None or function.name.value == "__init__":
        return True
    headers = [decorator.get_code() for decorator in function.get_decorators()]
    block = node.search_ancestor("with_stmt")
    while block is not None:
        headers.append(block.children[1].get_code())
        block = block.search_ancestor("with_stmt")
    return any("no_grad" in header or "inference_mode" in header for header in headers)


@lru_cache(maxsize=1)
def imported_names(module: Node) -> frozenset[str]:
    """Return the names that imports bind anywhere in `module`."""
    return frozenset(name.value for statement in module.iter_imports() for name in statement.get_defined_names())


def in_parentheses(node: Node) -> str:
    """Return the text of `node`, in parentheses where a `.name` behind it would bind to a part only."""
    code: str = node.get_code(include_prefix=False)
    return code if node.type in {"name", "atom", "atom_expr"} else f"({code})"


def text_between(node: Node, start: Position, end: Position) -> str:
    """Return the text of `node` from position `start` to position `end`, both inside it."""
    lines = node.get_code(include_prefix=False).split("\n")

    def offset(position: Position) -> int:
        line, column = position[0] - node.start_pos[0], position[1]
        return sum(len(text) + 1 for text in lines[:line]) + column - (node.start_pos[1] if line == 0 else 0)

    return "\n".join(lines)[offset(start) : offset(end)]
