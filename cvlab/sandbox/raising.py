"""What can be told of an exception that a solution raised: its type, its message, and the way there as plain data.

Looked up where it was raised, in the solution's own process, and so believed by nobody: whoever hears of it bounds it.
"""

from __future__ import annotations

import builtins
import contextlib
import difflib
import opcode
import types
from typing import Any

from torch import nn

from cvlab.sandbox.outcome import Frame, Raised

MAX_MESSAGE = 4_000
MAX_FRAMES = 8
ALIKE = 0.7
"""How much two names have in common, of 1, for the one to be a likely misspelling of the other."""

COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
"""What Python calls their frames, where they have any: newer versions run most of them in the function's own."""

_RAISES = opcode.opmap["RAISE_VARARGS"]


def told(error: BaseException, solution: types.ModuleType | None, stage: Any, path: str = "") -> Raised:
    """Return what can be told of an exception: its type, message, and the solution's own lines in its traceback."""
    path = path or str(getattr(solution, "__file__", ""))
    own: list[types.TracebackType] = []
    layer: types.FrameType | None = None
    deliberate = False
    traceback = error.__traceback__
    while traceback:
        frame = traceback.tb_frame
        deliberate = False
        if frame.f_code.co_filename == path:
            own.append(traceback)
            layer = None
            # Also true of `assert`. What an instruction that called something raised is not ours to call deliberate.
            deliberate = frame.f_code.co_code[traceback.tb_lasti] == _RAISES
        elif frame.f_code.co_name == "forward" and _is_of_torch_nn(frame.f_globals.get("__name__")):
            layer = frame
        traceback = traceback.tb_next
    frames = _folded(own)
    line = frames[-1].line if frames else None
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno
    return Raised(
        type=_type_name(error),
        message=_message(error),
        stage=stage,
        line=line,
        missing=error.name if isinstance(error, AttributeError) and error.obj is solution else None,
        frames=tuple(frames[-MAX_FRAMES:]),
        deliberate=deliberate,
        layer=_described(layer, own[-1].tb_frame if own else None),
        nearest=_nearest(error),
    )


def _folded(own: list[types.TracebackType]) -> list[Frame]:
    """Return the frames, outermost first, one that calls itself only once, and a comprehension within its line."""
    frames: list[Frame] = []
    for traceback in own:
        code = traceback.tb_frame.f_code
        here = Frame(traceback.tb_lineno, code.co_qualname.replace("<locals>.", ""))
        if frames and frames[-1].line == here.line and code.co_name in COMPREHENSIONS:
            continue
        if frames and (frames[-1].line, frames[-1].function) == (here.line, here.function):
            frames[-1] = here._replace(times=frames[-1].times + 1)
        else:
            frames.append(here)
    return frames


def _is_of_torch_nn(module: Any) -> bool:
    return isinstance(module, str) and module.startswith("torch.nn.modules.")


def _described(layer: types.FrameType | None, caller: types.FrameType | None) -> tuple[str, str] | None:
    """Return the name of a layer in whoever called it, as `self.stem.0`, or "", and its class in torch.nn."""
    if layer is None:
        return None
    with contextlib.suppress(BaseException):  # its owner is the solution's own class
        module = layer.f_locals["self"]
        kind = next(each.__name__ for each in type(module).__mro__ if _is_of_torch_nn(each.__module__))
        return _name_of(module, caller), kind
    return None


def _name_of(module: nn.Module, caller: types.FrameType | None) -> str:
    with contextlib.suppress(BaseException):
        owner = caller.f_locals["self"] if caller else None
        if isinstance(owner, nn.Module):
            name = next(name for name, each in owner.named_modules() if each is module)
            return f"self.{name}" if name else "self"
    return ""


def _nearest(error: BaseException) -> str | None:
    """Return the name that was perhaps meant by one that does not exist."""
    with contextlib.suppress(BaseException):  # `dir` asks an object of the solution's own
        if isinstance(error, AttributeError) and error.name and error.obj is not None:
            return _likest(error.name, dir(error.obj))
        if isinstance(error, NameError) and error.name and error.__traceback__:
            traceback = error.__traceback__
            while traceback.tb_next:
                traceback = traceback.tb_next
            frame = traceback.tb_frame
            if error.name in dir(frame.f_locals.get("self")):
                return f"self.{error.name}"
            return _likest(error.name, [*frame.f_locals, *frame.f_globals, *vars(builtins)])
    return None


def _likest(name: str, names: list[str]) -> str | None:
    candidates = [each for each in names if name.startswith("_") or not each.startswith("_")]
    for each in candidates:
        if each.lower() == name.lower():
            return each
    return next(iter(difflib.get_close_matches(name, candidates, 1, ALIKE)), None)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__name__
        if kind.__module__ in (builtins.__name__, "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _message(error: BaseException) -> str:
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        return text[:MAX_MESSAGE]
    except BaseException:
        return "(the exception has no readable message)"
