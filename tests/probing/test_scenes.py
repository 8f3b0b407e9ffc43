"""What a scene promises: the same bytes everywhere, and labels of every kind that tell one story."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter

import pytest
import torch

from cvlab.probing.scenes import Scene, scenes, stacked

CROWDED = [
    pytest.param(size, seed, id=f"{size}px-seed{seed}")
    for size in (16, 24, 32, 48)
    for seed in range(5 if size == 16 else 1)
]


def fingerprint(chosen: list[Scene]) -> str:
    """Return the first 16 digits of the SHA-256 of the images as bytes."""
    levels = (stacked(chosen)[0] * 255).round().to(torch.uint8)  # (N, 3, S, S)
    return hashlib.sha256(bytes(levels.flatten().tolist())).hexdigest()[:16]


@pytest.mark.parametrize(
    ("size", "max_obj", "hue", "golden"),
    [
        (16, 1, False, "d58571a32fd43635"),
        (16, 2, True, "b18e1c123a2ca03a"),
        (16, 3, False, "d6ef4e1164440f0b"),
        (24, 3, False, "97d5fabed76564ad"),
        (32, 2, False, "92c60250e1fa686c"),
        (48, 3, True, "7664cf8947f1c703"),
    ],
)
def test_the_pictures_of_a_seed_are_the_same_bytes_everywhere(size: int, max_obj: int, hue: bool, golden: str) -> None:
    assert fingerprint(scenes(50, seed=7, size=size, max_obj=max_obj, hue=hue)) == golden


def test_another_seed_gives_other_pictures() -> None:
    assert len({fingerprint(scenes(3, seed=seed)) for seed in range(10)}) == 10


def test_fewer_scenes_of_a_seed_are_the_first_ones_of_more() -> None:
    few, many = scenes(5, seed=3, max_obj=3), scenes(11, seed=3, max_obj=3)
    for one, other in zip(few, many[:5], strict=True):
        for field in ("image", "boxes", "labels", "mask", "instances", "keypoints", "visibility", "depth"):
            assert torch.equal(getattr(one, field), getattr(other, field)), field


def test_the_global_generator_of_torch_is_not_touched() -> None:
    before = torch.get_rng_state()
    scenes(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_default_dtype_does_not_change_a_scene() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        doubled = scenes(4, max_obj=3)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(doubled, scenes(4, max_obj=3), strict=True):
        for field in ("image", "boxes", "keypoints", "depth"):
            assert getattr(one, field).dtype == torch.float32, field
            assert torch.equal(getattr(one, field), getattr(other, field)), field


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_shapes_and_dtypes_are_those_promised(size: int, seed: int) -> None:
    for scene in scenes(20, seed=seed, size=size, max_obj=3):
        count = len(scene.labels)
        promised = {
            "image": ((3, size, size), torch.float32),
            "boxes": ((count, 4), torch.float32),
            "labels": ((count,), torch.int64),
            "mask": ((size, size), torch.int64),
            "instances": ((size, size), torch.int64),
            "keypoints": ((count, 3, 2), torch.float32),
            "visibility": ((count, 3), torch.bool),
            "depth": ((size, size), torch.float32),
        }
        for field, (shape, dtype) in promised.items():
            tensor = getattr(scene, field)
            assert (tuple(tensor.shape), tensor.dtype) == (shape, dtype), field
        assert type(scene.scene) is int
        assert scene.scene in (0, 1, 2)
        assert scene.label == int(scene.labels[0])
        assert 0.0 <= float(scene.image.min()) <= float(scene.image.max()) <= 1.0


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)])
def test_every_scene_has_from_min_obj_to_max_obj_objects_and_each_number_occurs(low: int, high: int) -> None:
    counts = Counter(len(scene.labels) for seed in range(4) for scene in scenes(50, seed, min_obj=low, max_obj=high))
    assert set(counts) == set(range(low, high + 1))


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_every_object_shows_at_least_nine_pixels(size: int, seed: int) -> None:
    for scene in scenes(50, seed, size, min_obj=3, max_obj=3):
        pixels = torch.bincount(scene.instances.flatten(), minlength=4)
        assert pixels.shape == (4,)
        assert int(pixels[1:].min()) >= 9


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_a_box_is_the_half_open_extent_of_its_instance(size: int, seed: int) -> None:
    for scene in scenes(50, seed, size, max_obj=3):
        for number, box in enumerate(scene.boxes.tolist(), start=1):
            y, x = (scene.instances == number).nonzero(as_tuple=True)
            assert box == [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_the_mask_is_the_label_plus_one_of_each_instance(size: int, seed: int) -> None:
    for scene in scenes(50, seed, size, max_obj=3):
        expected = torch.zeros(size, size, dtype=torch.int64)
        for number, label in enumerate(scene.labels.tolist(), start=1):
            expected[scene.instances == number] = label + 1
        assert torch.equal(scene.mask, expected)


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_keypoints_lie_within_their_object_and_are_visible_where_it_shows(size: int, seed: int) -> None:
    seen = hidden = 0
    for scene in scenes(50, seed, size, min_obj=3, max_obj=3):
        columns, rows = scene.keypoints.floor().long().unbind(-1)  # (N, 3), (N, 3)
        under = scene.instances[rows, columns]  # (N, 3)
        own = torch.arange(1, 4)[:, None]  # (N, 1)
        assert torch.equal(scene.visibility, under == own)
        seen, hidden = seen + int(scene.visibility.sum()), hidden + int((~scene.visibility).sum())
    assert seen > 20 * hidden


def test_an_object_alone_shows_all_its_keypoints_in_the_order_top_left_right() -> None:
    for size in (16, 24, 32, 48):
        for scene in scenes(60, seed=1, size=size):
            assert bool(scene.visibility.all())
            top, left, right = scene.keypoints[0].tolist()
            assert top[1] < left[1] == right[1]
            assert left[0] < top[0] < right[0]


def margins(scene: Scene, number: int) -> torch.Tensor:
    """Return how deep each pixel centre lies in the equation of object `number`, negative outside, covered or not.

    Centre and radius are recovered from the keypoints, so margins within 1e-4 of zero tell nothing.
    """
    (top_x, _), (left_x, left_y), (right_x, _) = scene.keypoints[number - 1].double().tolist()
    label = int(scene.labels[number - 1])
    radius = (right_x - left_x) / (0.9 if label == 2 else 1.2)
    y = left_y if label == 0 else left_y - 0.6 * radius
    centres = torch.arange(len(scene.mask), dtype=torch.float64) + 0.5  # (S,)
    down, right = torch.meshgrid(centres - y, centres - top_x, indexing="ij")  # (S, S), (S, S)
    if label == 0:
        return radius - (right.square() + down.square()).sqrt()
    if label == 1:
        return 0.875 * radius - torch.maximum(right.abs(), down.abs())
    return torch.minimum(radius - down, (down + radius) / 2 - right.abs())


@pytest.mark.parametrize("size", [16, 24, 32, 48])
def test_an_object_alone_has_the_pixels_its_equation_says(size: int) -> None:
    for scene in scenes(60, seed=2, size=size):
        depth = margins(scene, 1)  # (S, S)
        clear = depth.abs() > 1e-4  # (S, S)
        assert torch.equal((scene.mask > 0)[clear], (depth > 0)[clear])


def hidden_shares(seeds: range) -> list[float]:
    """Return for each object of crowded scenes which share of its pixels is covered."""
    shares = []
    for seed in seeds:
        for scene in scenes(50, seed, min_obj=3, max_obj=3):
            for number in (1, 2, 3):
                whole = margins(scene, number) > 1e-4  # (S, S)
                shares.append(1 - float((scene.instances[whole] == number).double().mean()))
    return shares


def test_objects_rarely_overlap_and_then_little() -> None:
    hidden = [share for share in hidden_shares(range(10)) if share > 0]
    assert 0 < len(hidden) < 150  # of 1,500
    assert sum(hidden) / len(hidden) < 0.15


def test_every_object_shows_half_of_its_pixels_even_where_places_are_hard_to_find(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[Scene.__module__], "_TRIES", 1)
    shares = hidden_shares(range(5))
    assert 0.3 < max(shares) <= 0.5 + 1e-9


@pytest.mark.parametrize(("size", "seed"), CROWDED)
def test_depth_falls_from_one_to_seven_tenths_and_objects_are_flat_and_nearer(size: int, seed: int) -> None:
    ramp = torch.linspace(1.0, 0.7, size)[:, None].expand(size, size)
    for scene in scenes(50, seed, size, max_obj=3):
        background = scene.instances == 0
        torch.testing.assert_close(scene.depth[background], ramp[background])
        for number in range(1, len(scene.labels) + 1):
            values = scene.depth[scene.instances == number]
            assert float(values.min()) == float(values.max())
            assert 0.1 <= float(values[0]) <= 0.5 + 1e-7


def test_where_two_objects_meet_the_nearer_covers_the_farther() -> None:
    covered = 0
    for seed in range(10):
        for scene in scenes(50, seed, min_obj=3, max_obj=3):
            depths = [float(scene.depth[scene.instances == number].max()) for number in (1, 2, 3)]
            columns, rows = scene.keypoints.floor().long().unbind(-1)  # (N, 3), (N, 3)
            for one, point in (~scene.visibility).nonzero().tolist():
                other = int(scene.instances[rows[one, point], columns[one, point]]) - 1
                assert depths[other] < depths[one]
                covered += 1
    assert covered > 0, "no keypoint was ever hidden: the test looked at nothing"


def test_backgrounds_and_first_labels_are_balanced_to_within_one() -> None:
    for seed in range(20):
        chosen = scenes(50, seed)
        for values in (Counter(scene.label for scene in chosen), Counter(scene.scene for scene in chosen)):
            assert sorted(values) == [0, 1, 2]
            assert max(values.values()) - min(values.values()) <= 1


def test_backgrounds_and_first_labels_are_not_tied_to_each_other() -> None:
    pairs = Counter((scene.scene, scene.label) for seed in range(20) for scene in scenes(50, seed))
    assert len(pairs) == 9
    assert min(pairs.values()) > 70


def test_plain_is_flat_stripes_vary_along_a_row_and_a_gradient_grows_downwards() -> None:
    for scene in scenes(60, seed=4, size=32):
        empty = torch.where(scene.instances == 0, scene.image, torch.nan)  # (3, S, S)
        across = empty.nanmean(dim=(0, 1))  # (S,)
        down = empty.nanmean(dim=(0, 2))  # (S,)
        steps = across.view(8, 4).nanmean(1).diff().abs()  # (7,)
        fall = float(down[-4:].nanmean() - down[:4].nanmean())
        assert (float(steps.min()) > 0.06) == (scene.scene == 1)
        assert (fall > 0.1) == (scene.scene == 2)


def test_objects_are_brighter_than_any_background() -> None:
    for scene in scenes(60, seed=5):
        inside = scene.image[:, scene.mask > 0]  # (3, pixels)
        assert float(inside.mean(1).min()) > 0.4
        assert float(scene.image[:, scene.mask == 0].mean()) < 0.4


def test_hue_ties_the_colour_to_the_class() -> None:
    for scene in scenes(50, seed=6, max_obj=3, hue=True):
        for number, label in enumerate(scene.labels.tolist(), start=1):
            colour = scene.image[:, scene.instances == number].mean(1)  # (3,)
            assert int(colour.argmax()) == label
            assert float(colour[label]) - float(colour.sort().values[1]) > 0.3


def test_without_hue_the_colour_does_not_give_the_class_away() -> None:
    brightest = Counter()
    for scene in scenes(300, seed=6):
        brightest[scene.label, int(scene.image[:, scene.mask > 0].mean(1).argmax())] += 1
    assert len(brightest) == 9


def test_the_noise_is_centred_and_has_a_deviation_of_three_hundredths() -> None:
    plain = [scene for scene in scenes(90, seed=8, size=32) if scene.scene == 0]
    deviations = []
    for scene in plain:
        values = scene.image[:, scene.mask == 0]  # (3, pixels)
        deviations.append(float((values - values.mean(1, keepdim=True)).square().mean().sqrt()))
    assert sum(deviations) / len(deviations) == pytest.approx(0.03, rel=0.03)


def test_scenes_share_no_memory() -> None:
    first, second = scenes(2)
    before = second.image.clone(), second.mask.clone(), second.depth.clone()
    for tensor in (first.image, first.mask, first.instances, first.depth):
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
        tensor.zero_()
    for kept, tensor in zip(before, (second.image, second.mask, second.depth), strict=True):
        assert torch.equal(kept, tensor)


def test_stacked_gives_all_images_and_first_labels() -> None:
    chosen = scenes(7, max_obj=2)
    images, labels = stacked(chosen)
    assert images.shape == (7, 3, 16, 16)
    assert torch.equal(images[4], chosen[4].image)
    assert labels.dtype == torch.int64
    assert labels.tolist() == [scene.label for scene in chosen]
    with pytest.raises(ValueError, match="at least one"):
        stacked([])


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": -1}, "n is -1"),
        ({"size": 20}, "size is 20"),
        ({"size": 0}, "size is 0"),
        ({"min_obj": 0}, "min_obj is 0"),
        ({"min_obj": 3, "max_obj": 2}, "min_obj is 3, max_obj 2"),
        ({"max_obj": 4}, "max_obj 4"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, int], fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        scenes(**arguments)
