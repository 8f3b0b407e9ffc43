"""Small pictures of discs, squares and triangles, with every kind of label a vision task may ask for.

Nothing is read from disk. Every draw comes from `random.Random` as integers or plain floats, every pixel is made in
integer arithmetic, so a seed gives the same bytes on every machine and with every release of torch.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

SIZES = (16, 24, 32, 48)
MOST_OBJECTS = 3
PLAIN, STRIPES, GRADIENT = range(3)
DISC, SQUARE, TRIANGLE = range(3)

#: Where the keypoints (top, left, right) of each shape lie, in radii from its centre. All are deep enough inside for
#: the pixel under a keypoint to belong to the object, at every radius in use.
KEYPOINTS = {
    DISC: ((0.0, -0.6), (-0.6, 0.0), (0.6, 0.0)),
    SQUARE: ((0.0, -0.6), (-0.6, 0.6), (0.6, 0.6)),
    TRIANGLE: ((0.0, -0.3), (-0.45, 0.6), (0.45, 0.6)),
}

_TRIES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One picture of side S with N objects; object i of every list is instance i + 1 of the map.

    Coordinates are continuous pixels: pixel (row, column) covers [column, column + 1) x [row, row + 1).
    """

    image: Tensor
    """float32 (3, S, S), RGB in [0, 1], multiples of 1/255."""
    scene: int
    """The background: 0 plain, 1 vertical stripes, 2 vertical gradient."""
    label: int
    """The class of the first object, `labels[0]`."""
    boxes: Tensor
    """float32 (N, 4), x0 y0 x1 y1, half-open, tight around the object's visible pixels."""
    labels: Tensor
    """int64 (N,): 0 disc, 1 square, 2 triangle."""
    mask: Tensor
    """int64 (S, S): 0 background, else label + 1."""
    instances: Tensor
    """int64 (S, S): 0 background, else 1..N."""
    keypoints: Tensor
    """float32 (N, 3, 2), x y of the object's top, left and right keypoint."""
    visibility: Tensor
    """bool (N, 3): whether the pixel under the keypoint shows this object."""
    depth: Tensor
    """float32 (S, S): the background falls from 1.0 (top row) to 0.7 (bottom row), an object is flat, in [0.1, 0.5]."""


@dataclass(slots=True)
class _Object:
    """One object before it is painted; a span `(y, x0, x1)` is the pixels x0..x1-1 of row y."""

    label: int
    radius: float
    x: float
    y: float
    depth: float
    colour: tuple[int, ...]
    spans: list[tuple[int, int, int]]
    pixels: int
    """Its pixels as the bits `y * size + x` of one number: overlaps are then a single `&`."""
    visible: int


@dataclass(slots=True)
class _Plan:
    """Everything drawn for one scene."""

    scene: int
    objects: list[_Object]
    background: bytes
    noise: bytes


def scenes(
    n: int = 50, seed: int = 0, size: int = 16, min_obj: int = 1, max_obj: int = 1, hue: bool = False
) -> list[Scene]:
    """Return `n` scenes of side `size` with `min_obj` to `max_obj` objects each; same arguments, same scenes.

    - Balance: in every run of three scenes from the start, each background occurs once and each first label once. So
      both are balanced to within one, and fewer scenes of a seed are the first ones of more.
    - Background: dark, levels 20..70 per channel; every second stripe of `size // 8` pixels is 32 levels brighter, the
      bottom of a gradient 48.
    - Objects: their number is uniform; the radius is uniform in [max(2.6, .12 size), max(3.6, .22 size)], the centre
      uniform where the object fits inside. A square's half side is 7/8 of the radius; a triangle points up, with height
      and base of two radii. Colour levels are uniform in 115..255; with `hue` a disc is red (level 204..255 against
      38..89), a square green and a triangle blue.
    - Overlap: of 20 places the first without common pixels is taken, else the one with the fewest. The nearer object
      (less depth) covers the farther. A layout in which an object shows less than half of its pixels is drawn again.
    - Noise: near-Gaussian, standard deviation 0.03, the centred sum of four random bytes per channel and pixel.

    ValueError: `n` < 1, `size` not in 16, 24, 32, 48, or not 1 <= `min_obj` <= `max_obj` <= 3.
    """
    if n < 1:
        raise ValueError(f"n is {n}: ask for at least one scene.")
    if size not in SIZES:
        raise ValueError(f"size is {size}: choose one of {', '.join(map(str, SIZES))}.")
    if not 1 <= min_obj <= max_obj <= MOST_OBJECTS:
        raise ValueError(f"min_obj is {min_obj}, max_obj {max_obj}: need 1 <= min_obj <= max_obj <= {MOST_OBJECTS}.")
    rng = random.Random(seed)  # noqa: S311  (pictures, not secrets)
    kinds, first_labels = _dealt(rng), _dealt(rng)
    plans = [_plan(rng, next(kinds), next(first_labels), size, min_obj, max_obj, hue) for _ in range(n)]
    return _painted(plans, size)


def stacked(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """Return the images, float32 (N, 3, S, S), and first labels, int64 (N,), of one or more scenes of one size."""
    if not scenes:
        raise ValueError("No scenes to stack: give at least one.")
    return torch.stack([scene.image for scene in scenes]), torch.tensor([scene.label for scene in scenes])


def _dealt(rng: random.Random) -> Iterator[int]:
    """Yield 0, 1, 2 in a fresh random order, again and again."""
    while True:
        hand = [0, 1, 2]
        rng.shuffle(hand)
        yield from hand


def _plan(rng: random.Random, kind: int, first_label: int, size: int, min_obj: int, max_obj: int, hue: bool) -> _Plan:
    background = _background(rng, kind, size)
    noise = rng.randbytes(4 * 3 * size * size)
    while True:
        labels = [first_label] + [rng.randrange(3) for _ in range(rng.randint(min_obj, max_obj) - 1)]
        objects: list[_Object] = []
        taken = 0
        for label in labels:
            objects.append(_placed(rng, label, size, taken, hue))
            taken |= objects[-1].pixels
        _cover(objects)
        if all(2 * thing.visible.bit_count() >= thing.pixels.bit_count() for thing in objects):
            return _Plan(kind, objects, background, noise)


def _background(rng: random.Random, kind: int, size: int) -> bytes:
    """Return the levels of an empty scene, channel by channel and row by row."""
    planes: list[bytes] = []
    for _ in range(3):
        base = rng.randint(20, 70)
        if kind == STRIPES:
            planes.append(bytes(base + 32 * (x * 8 // size % 2) for x in range(size)) * size)
        elif kind == GRADIENT:
            planes.append(b"".join(bytes([base + 48 * y // (size - 1)]) * size for y in range(size)))
        else:
            planes.append(bytes([base]) * (size * size))
    return b"".join(planes)


def _placed(rng: random.Random, label: int, size: int, taken: int, hue: bool) -> _Object:
    """Return a new object at the first of 20 places free of `taken` pixels, or at the one that shares the fewest."""
    radius = rng.uniform(max(2.6, 0.12 * size), max(3.6, 0.22 * size))
    depth = rng.uniform(0.1, 0.5)
    if hue:
        colour = tuple(rng.randint(204, 255) if channel == label else rng.randint(38, 89) for channel in range(3))
    else:
        colour = tuple(rng.randint(115, 255) for _ in range(3))
    best, fewest = None, size * size + 1
    for _ in range(_TRIES):
        x, y = rng.uniform(radius, size - radius), rng.uniform(radius, size - radius)
        spans = _spans(label, x, y, radius)
        pixels = sum(((1 << (x1 - x0)) - 1) << (row * size + x0) for row, x0, x1 in spans)
        shared = (pixels & taken).bit_count()
        if shared < fewest:
            best, fewest = _Object(label, radius, x, y, depth, colour, spans, pixels, pixels), shared
        if shared == 0:
            break
    assert best is not None
    return best


def _spans(label: int, x: float, y: float, radius: float) -> list[tuple[int, int, int]]:
    """Return the pixels whose centres lie in the shape, row by row as `(y, x0, x1)`."""
    reach = 0.875 * radius if label == SQUARE else radius
    spans: list[tuple[int, int, int]] = []
    for row in range(math.ceil(y - reach - 0.5), math.floor(y + reach - 0.5) + 1):
        below = row + 0.5 - y  # of the row's middle below the shape's centre
        if label == DISC:
            # A square root is correctly rounded everywhere, unlike sin or exp.
            half = math.sqrt(max(0.0, radius * radius - below * below))
        elif label == SQUARE:
            half = reach
        else:
            half = (below + radius) / 2
        x0, x1 = math.ceil(x - half - 0.5), math.floor(x + half - 0.5) + 1
        if x0 < x1:
            spans.append((row, x0, x1))
    return spans


def _cover(objects: list[_Object]) -> None:
    """Take from every object the pixels that nearer ones hide."""
    nearer = 0
    for thing in sorted(objects, key=lambda one: one.depth):
        thing.visible = thing.pixels & ~nearer
        nearer |= thing.pixels


def _painted(plans: list[_Plan], size: int) -> list[Scene]:
    """Return the planned scenes, painted all at once: tables of what objects are like, looked up at every pixel."""
    n = len(plans)
    everything = [thing for plan in plans for thing in plan.objects]
    before = list(accumulate((len(plan.objects) for plan in plans[:-1]), initial=0))
    maps = _levels([_instance_map(plan, size) for plan in plans]).view(n, size, size).long()  # (n, S, S)
    inside = maps > 0  # (n, S, S)
    rows = torch.where(inside, maps + torch.tensor(before)[:, None, None], 0)  # (n, S, S)

    masks = torch.tensor([0] + [thing.label + 1 for thing in everything])[rows]  # (n, S, S)
    near = torch.tensor([0.0] + [thing.depth for thing in everything], dtype=torch.float32)[rows]  # (n, S, S)
    far = torch.tensor([1.0 - 0.3 * y / (size - 1) for y in range(size)], dtype=torch.float32)  # (S,)
    depths = torch.where(inside, near, far[:, None])  # (n, S, S)

    table = torch.tensor([(0, 0, 0)] + [thing.colour for thing in everything], dtype=torch.int16)  # (objects + 1, 3)
    colours = table[rows].permute(0, 3, 1, 2)  # (n, 3, S, S)
    backgrounds = _levels([plan.background for plan in plans]).view(n, 3, size, size)  # (n, 3, S, S)
    clean = torch.where(inside[:, None], colours, backgrounds)  # (n, 3, S, S)
    draws = _levels([plan.noise for plan in plans]).view(n, 4, 3, size, size).to(torch.int16)  # (n, 4, 3, S, S)
    # Four bytes have mean 510 and deviation 147.8; 53/1024 of that is 7.65 levels, and 510 * 53 still fits int16.
    total = draws[:, 0] + draws[:, 1] + draws[:, 2] + draws[:, 3]  # (n, 3, S, S)
    noise = ((total - 510) * 53 + 512) >> 10  # (n, 3, S, S)
    images = (clean + noise).clamp(0, 255).to(torch.float32) / 255  # (n, 3, S, S)
    return [_scene(plan, images[i], masks[i], maps[i], depths[i]) for i, plan in enumerate(plans)]


def _scene(plan: _Plan, image: Tensor, mask: Tensor, instances: Tensor, depth: Tensor) -> Scene:
    size = mask.shape[0]
    points = [
        [(thing.x + right * thing.radius, thing.y + down * thing.radius) for right, down in KEYPOINTS[thing.label]]
        for thing in plan.objects
    ]
    keypoints = torch.tensor(points, dtype=torch.float32)  # (N, 3, 2)
    columns, rows = keypoints.floor().long().unbind(-1)  # (N, 3), (N, 3)
    own = torch.arange(1, len(plan.objects) + 1)[:, None]  # (N, 1)
    return Scene(
        image=image.clone(),  # own memory: what a solution does to one scene cannot reach another
        scene=plan.scene,
        label=plan.objects[0].label,
        boxes=torch.tensor([_box(thing.visible, size) for thing in plan.objects], dtype=torch.float32),  # (N, 4)
        labels=torch.tensor([thing.label for thing in plan.objects]),  # (N,)
        mask=mask.clone(),
        instances=instances.clone(),
        keypoints=keypoints,
        visibility=instances[rows, columns] == own,  # (N, 3)
        depth=depth.clone(),
    )


def _instance_map(plan: _Plan, size: int) -> bytes:
    """Return 0 for the background and 1..N for the objects, painted from the farthest to the nearest."""
    canvas = bytearray(size * size)
    for number, thing in sorted(enumerate(plan.objects, start=1), key=lambda pair: -pair[1].depth):
        for y, x0, x1 in thing.spans:
            canvas[y * size + x0 : y * size + x1] = bytes([number]) * (x1 - x0)
    return bytes(canvas)


def _box(pixels: int, size: int) -> tuple[int, int, int, int]:
    """Return the tight half-open box of a non-empty set of pixels."""
    top, bottom = ((pixels & -pixels).bit_length() - 1) // size, (pixels.bit_length() - 1) // size + 1
    columns = 0
    for y in range(top, bottom):
        columns |= pixels >> (y * size) & ((1 << size) - 1)
    return (columns & -columns).bit_length() - 1, top, columns.bit_length(), bottom


def _levels(parts: list[bytes]) -> Tensor:
    """Return the bytes of all parts as one uint8 tensor."""
    return torch.frombuffer(bytearray(b"".join(parts)), dtype=torch.uint8)
