"""Reading what an exception says: known wordings with blanks, and what stands in the blanks, as numbers and names.

A wording is text to be found word for word, with blanks such as `{left:dims}`; the kind after the colon says what may
stand there. No blank can hold what comes after it and each is bounded, so that no message, however it was made up,
takes more than one look at each of its characters.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Saying:
    """One way in which torch or Python words an exception, and what it means."""

    says: str
    """Type and message, as far as they have to be read, with blanks."""
    means: str
    """One sentence. `{left}` is what stood in a blank, `{layer:A convolution}` the layer, or these words for one."""
    layer: str | None = None
    """Only where it came out of this class of torch.nn; "" only where it came out of none."""
    outside: bool = False
    """Only where no line of the submission was under way: somebody used what it had given back."""

    def read(self, text: str) -> dict[str, Any] | None:
        """Return what stands in each blank of `text`, or None where that says something else."""
        if not text.startswith(self.says.partition("{")[0]):
            return None
        pattern, kinds = _compiled(self.says)
        found = pattern.match(text)
        return found and {name: _KINDS[kind].means(found[name]) for name, kind in kinds.items()}


class Number(int):
    """A whole number, which counts a thing when it is formatted with its name: `{n:channel}` is `3 channels`."""

    def __format__(self, thing: str) -> str:
        return f"{int(self)} {thing}{'' if self == 1 else 's'}" if thing else str(int(self))

    @property
    def before(self) -> int:
        """The number before it: the last index of so many."""
        return self - 1


class Shape(tuple[Number, ...]):
    """The sizes of a tensor."""

    __slots__ = ()

    def __str__(self) -> str:
        return str(tuple(self))

    @property
    def first(self) -> Number:
        """The first size."""
        return self[0]

    @property
    def last(self) -> Number:
        """The last size."""
        return self[-1]

    @property
    def numbers(self) -> Number:
        """How many numbers a tensor of this shape has; -1, which stands for whatever fits, is left out."""
        return Number(abs(math.prod(self)))

    @property
    def total(self) -> int:
        """The sum of all sizes."""
        return sum(self)

    @property
    def holds(self) -> str:
        """What a tensor of this shape needs."""
        return f"needs a multiple of {self.numbers:number}" if -1 in self else f"holds {self.numbers:number}"


class Imported(str):
    """A name that everybody imports in the same way."""

    __slots__ = ()

    @property
    def line(self) -> str:
        """The line that imports it."""
        return IMPORTS[self]


#: How torch calls its types in messages, and what they are called in code.
DTYPES = {
    **dict.fromkeys(("float", "Float", "torch.FloatTensor"), "float32"),
    **dict.fromkeys(("double", "Double", "torch.DoubleTensor"), "float64"),
    **dict.fromkeys(("Half", "torch.HalfTensor"), "float16"),
    **dict.fromkeys(("BFloat16", "c10::BFloat16", "torch.BFloat16Tensor"), "bfloat16"),
    **dict.fromkeys(("long int", "long", "Long", "torch.LongTensor"), "int64"),
    **dict.fromkeys(("int", "Int", "torch.IntTensor"), "int32"),
    **dict.fromkeys(("unsigned char", "Byte", "torch.ByteTensor"), "uint8"),
    **dict.fromkeys(("bool", "Bool", "torch.BoolTensor"), "bool"),
}

#: Layers that a learner may take for a function of a tensor.
LAYERS = "BatchNorm2d Conv2d Dropout Flatten GELU LayerNorm Linear MaxPool2d ReLU Sequential Sigmoid Softmax"

#: Types that a learner may hold for a tensor.
PLAIN = "bool dict float int list str tuple"

#: What only tensors are asked for.
OF_TENSORS = "clamp detach dim dtype flatten float mean permute reshape shape size squeeze sum transpose unsqueeze view"

#: What only tensors that may record gradients are asked for.
OF_GRAPHS = "backward detach grad requires_grad"

#: What nn.Module.__init__ makes, and a module lacks that never called it.
OF_MODULES = "_modules _parameters _buffers _backward_hooks _forward_hooks _state_dict_pre_hooks"

#: Names that drills use under these very names, and where they come from.
IMPORTS = {
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
    "np": "import numpy as np",
    "torch": "import torch",
    "torchvision": "import torchvision",
    "Tensor": "from torch import Tensor",
    "math": "import math",
    "copy": "import copy",
}


class _Kind(NamedTuple):
    """What may stand in a blank, and what it then means."""

    pattern: str
    means: Callable[[str], Any] = str


def _one_of(words: str) -> _Kind:
    longest_first = sorted(words.split(), key=len, reverse=True)
    return _Kind(f"(?>{'|'.join(longest_first)})\\b")


def _shape(text: str) -> Shape:
    return Shape(Number(size) for size in re.findall(r"-?\d+", text))


def _call(text: str) -> str:
    """Return a function's name without those of the functions it was defined in; a class is called by its own name."""
    return text.rpartition("<locals>.")[2].removesuffix(".__init__")


_KINDS = {
    "int": _Kind(r"-?+\d{1,18}+", Number),
    "shape": _Kind(r"(?:-?\d{1,18}+(?:, )?){0,16}+", _shape),
    "dims": _Kind(r"(?:\d{1,18}+(?: ?x ?)?){1,16}+", _shape),
    "dtype": _Kind(f"(?>{'|'.join(sorted(map(re.escape, DTYPES), key=len, reverse=True))})(?!\\w)", DTYPES.__getitem__),
    "name": _Kind(r"\w{1,100}+"),
    "path": _Kind(r"[\w.<>]{1,200}+", _call),
    "word": _Kind(r"[^\s'\"(),\[\]{}]{1,100}+"),
    "text": _Kind(r"[^'\"\n]{1,200}+"),
    "words": _Kind(r"[A-Za-z -]{1,60}+"),
    "names": _Kind(r"[^\n]{1,200}+", lambda text: text.replace("'", "")),
    "operator": _Kind(r"[^\n:]{1,20}+"),
    "plain": _one_of(PLAIN),
    "layer": _one_of(LAYERS),
    "of_tensors": _one_of(OF_TENSORS),
    "of_graphs": _one_of(OF_GRAPHS),
    "of_modules": _one_of(OF_MODULES),
    "import": _one_of(" ".join(IMPORTS))._replace(means=Imported),
}


@functools.cache
def _compiled(says: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a wording as a pattern, and the kind of each blank; a name that comes again must hold the same again."""
    pieces: list[str] = []
    kinds: dict[str, str] = {}
    for literal, name, kind, _ in Formatter().parse(says):
        pieces.append(re.escape(literal))
        if name is None:
            continue
        pieces.append(f"(?P={name})" if name in kinds else f"(?P<{name}>{_KINDS[kind or 'word'].pattern})")
        kinds.setdefault(name, kind or "word")
    return re.compile("".join(pieces)), kinds
