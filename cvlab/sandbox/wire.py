"""The language between grader and worker: frames of a JSON header and raw tensor bytes, plain data only.

A frame is

    u32 length of header (little endian) | header, JSON | tensor bytes, one tensor after the other

Values inside a header: `null`, booleans, 64-bit integers, finite floats, strings and lists stand for themselves;
`{"f": "nan"}` is a non-finite float, `{"d": [[key, value], ...]}` a dict, `{"t": ["float32", [2, 3]]}` the next tensor of the
body, `{"o": "module"}` something that is not plain data. Tensors take their bytes in order, so no two can share any:
a small header cannot make a large allocation.

The reader believes nothing: every length is bounded before a byte is read, memory grows only as bytes arrive, and
whatever is not exactly of this form raises `WireError`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from cvlab.errors import WireError
from cvlab.limits import Limits

MAX_DEPTH = 32
MAX_VALUES = 200_000
MAX_DIMENSIONS = 16
MAX_EXTENT = 1 << 31

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


def plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as plain data: tensors detached, dense, contiguous and on the CPU, tuples as lists, keys as strings.

    What has no plain form becomes `Opaque`. Raises ValueError for data nested deeper than 32.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"an answer may be nested {MAX_DEPTH} deep at most")
    if value is None or isinstance(value, (bool, Opaque)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")  # lone surrogates have no bytes
    if isinstance(value, torch.Tensor):
        return _plain_tensor(value)
    if isinstance(value, int):
        return int(value) if -(1 << 63) <= value < 1 << 63 else Opaque("int of more than 64 bits")
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {plain(str(key)): plain(item, depth + 1) for key, item in value.items()}
    return Opaque(type(value).__name__[:80])


def _plain_tensor(tensor: torch.Tensor) -> torch.Tensor | Opaque:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.dtype not in DTYPE_NAMES or tensor.is_meta:
        return Opaque(f"{tensor.layout} tensor of {tensor.dtype} on {tensor.device}")
    return tensor.detach().to("cpu").resolve_conj().resolve_neg().contiguous()


def frame(kind: str, ask: int, nonce: str, value: Any = None) -> list[bytes | memoryview]:
    """Return the pieces of a frame that carries `value`, which must be as `plain` returns it."""
    tensors: list[memoryview] = []
    encoded = _encoded(value, tensors)
    header = _encode(Header(kind, ask, nonce, sum(piece.nbytes for piece in tensors), encoded))
    return [struct.pack("<I", len(header)), header, *tensors]


def _encoded(value: Any, tensors: list[memoryview]) -> Any:
    if isinstance(value, torch.Tensor):
        if value.numel():
            # Bytes of any dtype without a copy: numpy knows no bfloat16, but it knows uint8.
            tensors.append(memoryview(value.reshape(-1).view(torch.uint8).numpy()))
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


class FrameReader:
    """Takes bytes as they come and gives back whole frames; bounded, and never more memory than bytes received."""

    def __init__(self, limits: Limits) -> None:
        self._max_header = limits.header_kb << 10
        self._max_body = limits.reply_mb << 20
        self._buffer = bytearray()
        self._header: Header | None = None

    def feed(self, data: bytes | memoryview) -> Iterator[tuple[Header, Any]]:
        """Yield every frame that `data` completes, as header and decoded value.

        Raises WireError at the first byte that cannot belong to a well-formed frame; the reader is of no use after that.
        """
        self._buffer += data
        while True:
            if self._header is None and not self._take_header():
                return
            header = self._header
            if header is None or len(self._buffer) < header.body:
                return
            body = self._buffer[: header.body]
            del self._buffer[: header.body]
            self._header = None
            yield header, decoded(header.value, body)

    def _take_header(self) -> bool:
        if len(self._buffer) < 4:
            return False
        (length,) = struct.unpack_from("<I", self._buffer)
        if length > self._max_header:
            raise WireError(f"its header claims {length} bytes, more than the {self._max_header} allowed.")
        if len(self._buffer) < 4 + length:
            return False
        try:
            header = _decode(bytes(self._buffer[4 : 4 + length]))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise WireError(f"its header is not of the agreed form ({type(error).__name__}).") from None
        if not 0 <= header.body <= self._max_body:
            raise WireError(f"it claims {header.body} bytes of tensors, more than the {self._max_body} allowed.")
        del self._buffer[: 4 + length]
        self._header = header
        return True


def decoded(value: Any, body: bytearray) -> Any:
    """Return the plain data that an encoded `value` and its tensor bytes stand for; raises WireError."""
    decoder = _Decoder(body)
    result = decoder.value(value, 0)
    if decoder.used != len(body):
        raise WireError("it carries tensor bytes that belong to no tensor.")
    return result


class _Decoder:
    def __init__(self, body: bytearray) -> None:
        self.body, self.used, self.count = body, 0, 0

    def value(self, encoded: Any, depth: int) -> Any:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_VALUES:
            raise WireError("it is nested too deep or has too many values.")
        if isinstance(encoded, list):
            return [self.value(item, depth + 1) for item in encoded]
        if isinstance(encoded, dict):
            return self.tagged(encoded, depth)
        if isinstance(encoded, int) and not -(1 << 63) <= encoded < 1 << 63:
            raise WireError("it has an integer of more than 64 bits.")
        return encoded

    def tagged(self, encoded: dict[str, Any], depth: int) -> Any:
        match encoded:
            case {"t": [str(dtype), list(shape)], **rest} if not rest:
                return self.tensor(dtype, shape)
            case {"d": list(items), **rest} if not rest:
                return dict(self.pairs(items, depth))
            case {"f": "nan" | "inf" | "-inf" as number, **rest} if not rest:
                return float(number)
            case {"o": str(name), **rest} if not rest:
                return Opaque(name[:200])
        raise WireError("it has a value of unknown form.")

    def pairs(self, items: list[Any], depth: int) -> Iterator[tuple[str, Any]]:
        for item in items:
            match item:
                case [str(key), value]:
                    yield key, self.value(value, depth + 1)
                case _:
                    raise WireError("it has a dict entry that is not a pair.")

    def tensor(self, dtype_name: str, shape: list[Any]) -> torch.Tensor:
        dtype = DTYPES.get(dtype_name)
        if dtype is None or len(shape) > MAX_DIMENSIONS:
            raise WireError("it has a tensor of unknown dtype or too many dimensions.")
        if not all(type(extent) is int and 0 <= extent <= MAX_EXTENT for extent in shape):
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
        raw = torch.frombuffer(self.body, dtype=torch.uint8, count=size, offset=start).clone()
        # A bool of any other byte than 0 and 1 is undefined behaviour further on.
        return (raw != 0).reshape(shape) if dtype is torch.bool else raw.view(dtype).reshape(shape)


def joined(pieces: Iterable[bytes | memoryview]) -> bytes:
    """Return the frame as one string of bytes, for requests, which are small."""
    return b"".join(pieces)
