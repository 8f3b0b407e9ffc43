"""The pretrained network of probes: what it is called, what it can do, and that its weights can be made again."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from support import ROOT
from torch import Tensor, nn

from cvlab.probing import backbone, scenes, stacked, tiny_backbone

SCRIPT = ROOT / "tools" / "make_tiny_backbone.py"


def shipped() -> dict[str, Tensor]:
    return backbone.read_safetensors(backbone.CHECKPOINT.read_bytes())


def test_it_is_named_like_a_resnet() -> None:
    names = [name for name, _ in tiny_backbone().named_children()]
    assert names == ["stem", "layer1", "layer2", "layer3", "layer4", "pool", "fc"]
    assert sorted(shipped()) == sorted(tiny_backbone().state_dict())


@pytest.mark.parametrize(("height", "width"), [(16, 16), (5, 12), (1, 1)])
def test_images_of_any_size_give_logits(height: int, width: int) -> None:
    assert tiny_backbone(num_classes=4).eval()(torch.rand(2, 3, height, width)).shape == (2, 4)


def test_it_knows_shapes_it_has_never_seen() -> None:
    model = tiny_backbone().eval()
    right = 0
    for seed in range(10):
        images, labels = stacked(scenes(60, seed=seed, size=16))  # (60, 3, 16, 16), (60,)
        with torch.no_grad():
            right += int((model(images).argmax(1) == labels).sum())
    assert right / 600 > 0.97


def test_it_comes_ready_to_be_trained() -> None:
    model = tiny_backbone()
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in model.parameters())


def test_two_of_them_share_no_memory() -> None:
    one, other = tiny_backbone(), tiny_backbone()
    with torch.no_grad():
        for value in one.state_dict().values():
            value.zero_()
    assert all(bool(parameter.any()) for parameter in other.parameters())
    assert all(bool(parameter.any()) for parameter in tiny_backbone().parameters())


def test_with_other_classes_all_but_the_head_is_pretrained() -> None:
    known, other = tiny_backbone().state_dict(), tiny_backbone(num_classes=7).state_dict()
    assert other["fc.weight"].shape == (7, 32)
    assert all(torch.equal(other[name], known[name]) for name in known if not name.startswith("fc."))


def test_without_pretraining_it_is_drawn_anew() -> None:
    assert not torch.equal(tiny_backbone(pretrained=False).fc.weight, tiny_backbone(pretrained=False).fc.weight)


def test_the_checkpoint_is_small() -> None:
    assert backbone.CHECKPOINT.stat().st_size < 100_000


def test_files_are_read_as_their_own_library_reads_them() -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = safetensors.load(backbone.CHECKPOINT.read_bytes())
    ours = shipped()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert (ours[name].dtype, ours[name].shape) == (value.dtype, value.shape), name
        assert torch.equal(ours[name], value), name


def test_every_dtype_it_says_it_reads_is_read() -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    written = {
        str(dtype): torch.arange(6).view(2, 3).to(dtype)
        for dtype in (torch.float16, torch.float32, torch.float64, torch.int64)
    }
    written["a number"] = torch.tensor(2.5)
    for name, value in backbone.read_safetensors(safetensors.save(written)).items():
        assert value.dtype == written[name].dtype
        assert torch.equal(value, written[name])


def test_a_file_cut_short_is_refused() -> None:
    with pytest.raises(ValueError, match="says it has"):
        backbone.read_safetensors(backbone.CHECKPOINT.read_bytes()[:-1])


def test_a_file_that_contradicts_itself_is_refused() -> None:
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,8]}}'
    with pytest.raises(ValueError, match="w says it has 4 numbers"):
        backbone.read_safetensors(struct.pack("<Q", len(header)) + header + bytes(8))


def test_nothing_is_read_after_the_import(tmp_path: Path) -> None:
    forget = (
        "import pathlib, cvlab.probing as p; pathlib.Path.read_bytes = pathlib.Path.exists = None; p.tiny_backbone()"
    )
    subprocess.run([sys.executable, "-c", forget], cwd=tmp_path, check=True)


def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("make_tiny_backbone", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_script_makes_the_weights_that_are_shipped(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    made = tmp_path / "made.safetensors"
    script().main(made)
    weights = backbone.read_safetensors(made.read_bytes())
    assert weights.keys() == shipped().keys()
    for name, value in shipped().items():
        # A machine that adds up otherwise may round a number the other way, and no more.
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-6, msg=name)


def test_the_first_weights_are_drawn_by_python_alone() -> None:
    pytest.importorskip("safetensors")
    make = script()
    first = make.initialised(backbone.TinyBackbone().to(torch.float64))
    torch.manual_seed(1)
    second = make.initialised(backbone.TinyBackbone().to(torch.float64))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    assert isinstance(first, nn.Module)
