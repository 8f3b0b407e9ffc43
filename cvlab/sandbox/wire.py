"""The language between grader and worker: frames of a JSON header and raw tensor bytes, plain data only.

A frame is

    u32 length of header (little endian) | header, JSON | tensor bytes, one tensor after the other

Values inside a header: `null`, booleans, 64-bit integers, finite floats, strings and lists stand for themselves;
`{"f": "nan"}` is a non-finite float, `{"d": [[key, value], ...]}` a dict, `{"t": ["float32", [2, 3]]}` the next tensor
of the body, `{"o": "module"}` something that is not plain data. Tensors take their bytes in order, so no two can share
any: a small header cannot make a large allocation.

The reader believes nothing: every length is bounded before a byte is read, memory grows only as bytes arrive, and
whatever is not exactly of this form raises `WireError`.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import torch
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from cvlab.errors import WireError
from cvlab.limits import Limits

MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_DIMENSIONS = 16
MAX_EXTENT = 1 << 31
BYTES_OF_A_VALUE = 400
"""What a decoded value takes in memory, at most and about, beside its tensor's bytes."""

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("float64", "float32", "float16", "bfloat16", "complex64", "complex128"),
        *("int64", "int32", "int16", "int8", "uint8", "bool"),
    )
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that is not plain data; equal to another of the same type name."""

    type: str


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """Everything of a frame but its tensors."""

    kind: str
    ask: int
    nonce: str
    body: int = 0
    """Bytes of tensors that follow."""
    value: Any = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Header).decode

# ------------------------------------------------------------------------------------------------------- making plain


def plain(value: Any) -> Any:
    """Return `value` as plain data, of exactly the types None, bool, int, float, str, list, dict, Tensor and Opaque.

    Tensors are detached, dense, contiguous and on the CPU; tuples become lists, keys strings, numpy's scalars numbers,
    dtypes and devices their names. What has no plain form becomes `Opaque`. Raises ValueError for data nested deeper
    than 32 or of more than 200,000 values, and whatever a hostile value raises on being looked at.
    """
    return _Plain().value(value, 0)


class _Plain:
    def __init__(self) -> None:
        self.count = 0

    def value(self, value: Any, depth: int) -> Any:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_VALUES:
            raise ValueError(f"an answer may be nested {MAX_DEPTH} deep and hold {MAX_VALUES:,} values at most")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, torch.Tensor):
            return _plain_tensor(value)
        if isinstance(value, (list, tuple)):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {_plain_text(str(key)): self.value(item, depth + 1) for key, item in value.items()}
        return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (torch.dtype, torch.device, torch.layout, torch.memory_format)):
        return str(value)
    # Through the base class, for a subclass may have its own idea of what it is.
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _plain_int(int.__pos__(value))
    if isinstance(value, float):
        return float.__pos__(value)
    if isinstance(value, complex):
        return Opaque(f"complex {complex.__repr__(value)}")
    if isinstance(value, Opaque):
        return Opaque(_plain_text(value.type)[:80])
    return Opaque(_plain_text(type(value).__name__)[:80])


def _plain_int(value: int) -> int | Opaque:
    if -(1 << 63) <= value < 1 << 63:
        return value
    return Opaque(f"int {value}" if value.bit_length() <= 200 else f"int of {value.bit_length()} bits")


def _plain_text(text: str) -> str:
    return str.encode(text, "utf-8", "backslashreplace").decode("utf-8")  # lone surrogates have no bytes


def _plain_tensor(tensor: torch.Tensor) -> torch.Tensor | Opaque:
    with torch._C.DisableTorchFunctionSubclass():  # a subclass may answer anything for `dtype`
        if not _has_numbers(tensor) or tensor.dtype not in DTYPE_NAMES:
            kind = f"{'nested ' if tensor.is_nested else ''}{_plain_text(type(tensor).__name__)[:80]}"
            return Opaque(f"{kind} ({tensor.layout}, {tensor.dtype}, {tensor.device})")
        if tensor.dim() > MAX_DIMENSIONS:
            raise ValueError(f"a tensor of an answer may have {MAX_DIMENSIONS} dimensions at most")
        bare = tensor.detach().as_subclass(torch.Tensor).to("cpu").resolve_conj().resolve_neg().contiguous()
        if bare.numel() <= 1:  # contiguous whatever its strides, but no view of its bytes can be taken then
            bare = bare.clone(memory_format=torch.contiguous_format)
        _bytes_of(bare)  # whatever has no bytes to show (of a vmap, say) raises here, where it is told to the student
        return bare


def _has_numbers(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is one block of numbers: neither sparse, nested, meta, nor lazy, fake or masked."""
    dispatches = type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__
    lazy = isinstance(tensor, UninitializedTensorMixin)
    return tensor.layout == torch.strided and not (tensor.is_nested or tensor.is_meta or dispatches or lazy)


def copied(value: Any) -> Any:
    """Return plain data as it would arrive at the other end: equal, and sharing no memory with `value`."""
    tensors: list[memoryview] = []
    encoded = _encoded(value, tensors)
    return _Decoder(bytearray(b"".join(tensors))).whole(encoded)


def taken_apart(value: Any) -> tuple[Any, list[torch.Tensor]]:
    """Return plain data as a header has it, and its tensors in the order in which the header mentions them."""
    return _encoded(value, []), list(_tensors_in(value))


def put_together(encoded: Any, tensors: Iterable[torch.Tensor]) -> Any:
    """Return the plain data that was taken apart; only the tensors' bytes count. Raises WireError as a reader does."""
    return _Decoder(bytearray(b"".join(_bytes_of(tensor) for tensor in tensors if tensor.numel()))).whole(encoded)


def _tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors_in(item)


def digest(value: Any) -> str:
    """Return a text that is equal for equal plain data, and for no other."""
    return hashlib.sha256(joined(frame("", 0, "", value))).hexdigest()


# ------------------------------------------------------------------------------------------------------------- writing


def frame(kind: str, ask: int, nonce: str, value: Any = None) -> list[bytes | memoryview]:
    """Return the pieces of a frame that carries `value`, which must be as `plain` returns it."""
    tensors: list[memoryview] = []
    encoded = _encoded(value, tensors)
    header = _encode(Header(kind, ask, nonce, sum(piece.nbytes for piece in tensors), encoded))
    return [struct.pack("<I", len(header)), header, *tensors]


def _encoded(value: Any, tensors: list[memoryview]) -> Any:
    if isinstance(value, torch.Tensor):
        if value.numel():
            tensors.append(_bytes_of(value))
        return {"t": [DTYPE_NAMES[value.dtype], list(value.shape)]}
    if isinstance(value, Opaque):
        return {"o": value.type}
    if isinstance(value, float) and not math.isfinite(value):
        return {"f": str(value)}
    if isinstance(value, list):
        return [_encoded(item, tensors) for item in value]
    if isinstance(value, dict):
        return {"d": [[key, _encoded(item, tensors)] for key, item in value.items()]}
    return value


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    # Bytes of any dtype without a copy: numpy knows no bfloat16, but it knows uint8.
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def joined(pieces: Iterable[bytes | memoryview]) -> bytes:
    """Return the frame as one string of bytes, for requests, which are small."""
    return b"".join(pieces)


# ------------------------------------------------------------------------------------------------------------- reading


class FrameReader:
    """Takes bytes as they come and gives back whole frames; bounded, and never more memory than bytes received."""

    def __init__(self, limits: Limits) -> None:
        self._max_header = limits.header_kb << 10
        self._max_body = limits.reply_mb << 20
        self._buffer = bytearray()
        self._header: Header | None = None
        self.weight = 0
        """About how many bytes the value of the latest frame takes."""

    def feed(self, data: bytes | memoryview) -> Iterator[tuple[Header, Any]]:
        """Take `data`; yield every frame that it completes, as header and decoded value.

        Raises WireError at the first frame that is not well-formed, after those before it; then the reader is of no use
        any more.
        """
        self._buffer += data
        return self._frames()

    def _frames(self) -> Iterator[tuple[Header, Any]]:
        while self._header is not None or self._take_header():
            header = self._header
            assert header is not None
            if len(self._buffer) < header.body:
                return
            self._header = None
            decoder = _Decoder(self._taken(header.body))
            value = decoder.whole(header.value)
            self.weight = header.body + BYTES_OF_A_VALUE * decoder.count
            yield header, value

    def _taken(self, size: int) -> bytearray:
        """Take the first `size` bytes off the buffer; copy them or those behind them, whichever are fewer."""
        first = self._buffer
        if size < len(first) // 2:
            taken = first[:size]
            del first[:size]  # moves no byte, until the room in front is half of all
            return taken
        self._buffer = first[size:]
        del first[size:]
        return first

    def _take_header(self) -> bool:
        if len(self._buffer) < 4:
            return False
        (length,) = struct.unpack_from("<I", self._buffer)
        if length > self._max_header:
            raise WireError(f"its header claims {length} bytes, more than the {self._max_header} allowed.")
        if len(self._buffer) < 4 + length:
            return False
        try:
            header = _decode(self._taken(4 + length)[4:])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise WireError(f"its header is not of the agreed form ({type(error).__name__}).") from None
        if not 0 <= header.body <= self._max_body:
            raise WireError(f"it claims {header.body} bytes of tensors, more than the {self._max_body} allowed.")
        self._header = header
        return True


class _Decoder:
    def __init__(self, body: bytearray) -> None:
        self.body, self.used, self.count = body, 0, 0

    def whole(self, encoded: Any) -> Any:
        """Return the plain data that an encoded value and all bytes of the body stand for; raises WireError."""
        result = self.value(encoded, 0)
        if self.used != len(self.body):
            raise WireError("it carries tensor bytes that belong to no tensor.")
        return result

    def value(self, encoded: Any, depth: int) -> Any:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_VALUES:
            raise WireError("it is nested too deep or has too many values.")
        kind = type(encoded)  # what the JSON decoder makes is of no subclass
        if kind is list:
            return [self.value(item, depth + 1) for item in encoded]
        if kind is dict:
            return self.tagged(encoded, depth)
        if kind is int and not -(1 << 63) <= encoded < 1 << 63:
            raise WireError("it has an integer of more than 64 bits.")
        return encoded  # None, a bool, int, str or a float, which JSON has only as a finite one

    def tagged(self, encoded: dict[str, Any], depth: int) -> Any:
        if len(encoded) == 1:
            ((tag, content),) = encoded.items()
            if tag == "t" and type(content) is list and len(content) == 2:
                return self.tensor(*content)
            if tag == "d" and type(content) is list:
                return self.mapping(content, depth)
            if tag == "f" and content in ("nan", "inf", "-inf"):
                return float(content)
            if tag == "o" and type(content) is str:
                return Opaque(content[:200])
        raise WireError("it has a value of unknown form.")

    def mapping(self, items: list[Any], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for item in items:
            if type(item) is not list or len(item) != 2 or type(item[0]) is not str or item[0] in result:
                raise WireError("it has a dict entry that is not a pair, or twice the same key.")
            key, value = item
            result[key] = self.value(value, depth + 1)
        return result

    def tensor(self, dtype_name: Any, shape: Any) -> torch.Tensor:
        dtype = DTYPES.get(dtype_name) if type(dtype_name) is str else None
        if dtype is None or type(shape) is not list or len(shape) > MAX_DIMENSIONS:
            raise WireError("it has a tensor of unknown dtype or too many dimensions.")
        for extent in shape:
            if type(extent) is not int or not 0 <= extent <= MAX_EXTENT:
                raise WireError("it has a tensor with an impossible shape.")
        count = math.prod(shape)
        size = count * dtype.itemsize
        if self.used + size > len(self.body):
            raise WireError("it has a tensor larger than the bytes it sent.")
        start, self.used = self.used, self.used + size
        if not count:
            # Extents beside a zero are free numbers: bound their product, or strides overflow.
            if math.prod(extent for extent in shape if extent) > MAX_EXTENT:
                raise WireError("it has an empty tensor with an impossible shape.")
            return torch.empty(shape, dtype=dtype)
        # A copy lies where torch would put it: on other addresses kernels may sum in another order.
        raw = torch.frombuffer(self.body, dtype=torch.uint8, count=size, offset=start).clone()
        # A bool of any other byte than 0 and 1 is undefined behaviour further on.
        return (raw != 0).view(shape) if dtype is torch.bool else raw.view(dtype).view(shape)
