"""Questions about a residual block. Sizes are unequal on purpose: B, Cin, Cout, H and W all differ."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import nn

from cvlab.probing import (
    activation_statistics,
    begun,
    buffers_of,
    filled,
    gradients_of,
    layout_of,
    parameter_count,
    raised_by,
    run_seed,
    scenes,
    seeded,
    seeds_anew,
    stacked,
    state_of,
    traces_of,
    train,
    uniform,
    weighted_sum,
)

#: (in_channels, out_channels, stride): every reason for a projection alone and together, and none.
SETTINGS = {"4 to 4": (4, 4, 1), "3 to 5": (3, 5, 1), "4 to 4, stride 2": (4, 4, 2), "3 to 6, stride 2": (3, 6, 2)}


def _block(solution, setting, dtype=torch.float32):
    return filled(solution.BasicBlock(*SETTINGS[setting]), dtype)


def _image(setting, dtype=torch.float32, batch=2, height=7, width=10, std=1.5):
    return seeded(batch, SETTINGS[setting][0], height, width, mean=-0.2, std=std, dtype=dtype)


# ---------------------------------------------------------------------------------------------------- shapes and names


def block_shapes(solution):
    """The output shapes of blocks with and without stride, on images of odd and even size."""
    return {
        setting: [
            list(_block(solution, setting)(_image(setting, height=h, width=w)).shape)
            for h, w in ((7, 10), (8, 5), (3, 3))
        ]
        for setting in SETTINGS
    }


def block_names(solution):
    """The names and shapes of everything a block learns or remembers."""
    return {setting: layout_of(solution.BasicBlock(*arguments)) for setting, arguments in SETTINGS.items()}


def net_shapes(solution):
    """The logits' shape of a TinyResNet with 3 classes and width 4, and of one made without arguments."""
    small = solution.TinyResNet(num_classes=3, width=4)
    return [list(small(seeded(2, 3, 16, 20)).shape), list(solution.TinyResNet().eval()(seeded(2, 3, 8, 12)).shape)]


def net_names(solution):
    """The names and shapes of everything a TinyResNet learns or remembers."""
    return {
        "5 classes, width 4": layout_of(solution.TinyResNet(5, 4)),
        "no arguments": layout_of(solution.TinyResNet()),
    }


def default_stride(solution):
    """The output of BasicBlock(3, 5), made without a stride."""
    return filled(solution.BasicBlock(3, 5)).eval()(seeded(1, 3, 6, 9))


# -------------------------------------------------------------------------------------------------------------- parity


def block_in_eval(solution):
    """What blocks with known weights compute in eval mode, in float64."""
    with torch.no_grad():
        return {
            setting: _block(solution, setting, torch.float64).eval()(_image(setting, torch.float64))
            for setting in SETTINGS
        }


def block_in_train(solution):
    """What blocks with known weights compute in train mode, in float64, and the batch statistics they then remember."""
    answer = {}
    for setting in SETTINGS:
        block = _block(solution, setting, torch.float64).train()
        output = block(_image(setting, torch.float64))
        if output.requires_grad:
            weighted_sum(output).backward()  # whoever computes a part again for it must not count the batch twice
        answer[setting] = [output, buffers_of(block)]
    return answer


def block_in_float32(solution):
    """What a block with known weights computes in float32."""
    return _block(solution, "3 to 6, stride 2").eval()(_image("3 to 6, stride 2"))


def block_on_bright_images(solution):
    """What blocks compute when the image is large, and so are its activations, and when there are many channels."""
    block = _block(solution, "4 to 4", torch.float64).eval()
    wide = filled(solution.BasicBlock(72, 80, 2), torch.float64).eval()
    return [
        block(_image("4 to 4", torch.float64, batch=1, height=21, width=34, std=60.0)),
        wide(seeded(1, 72, 5, 6, dtype=torch.float64)),
    ]


def block_on_two_images(solution):
    """What a block computes for one image and then for another of the same size, in eval mode without gradients."""
    block = _block(solution, "3 to 5", torch.float64).eval()
    with torch.no_grad():
        return [block(_image("3 to 5", torch.float64, std=std)) for std in (1.5, 4.0)]


def dtype_of_output(solution):
    """The dtype that comes out of a block and a network in bfloat16."""
    with torch.no_grad():
        return [
            str(_block(solution, "3 to 5", torch.bfloat16).eval()(_image("3 to 5", torch.bfloat16)).dtype),
            str(filled(solution.TinyResNet(3, 4), torch.bfloat16).eval()(seeded(2, 3, 9, 12).bfloat16()).dtype),
        ]


def net_in_eval(solution):
    """The logits of a TinyResNet with known weights in eval mode, in float64."""
    net = filled(solution.TinyResNet(5, 4), torch.float64).eval()
    return net(uniform(3, 3, 18, 21, dtype=torch.float64) * 4 - 1)


def net_on_bright_images(solution):
    """The logits of a TinyResNet in eval mode for a large image whose numbers are large."""
    net = filled(solution.TinyResNet(3, 4), torch.float64).eval()
    return net(seeded(1, 3, 76, 90, std=60.0, dtype=torch.float64))


def net_on_two_images(solution):
    """The logits for one image and then for another of the same size, in eval mode without gradients."""
    net = filled(solution.TinyResNet(3, 4), torch.float64).eval()
    with torch.no_grad():
        return [net(seeded(2, 3, 12, 17, std=std, dtype=torch.float64)) for std in (1.0, 3.0)]


def net_parts(solution):
    """What the parts of a TinyResNet compute when they are called one after the other, in eval mode."""
    net = filled(solution.TinyResNet(3, 4), torch.float64).eval()
    x = seeded(2, 3, 12, 17, dtype=torch.float64)
    answer = {}
    for name in ("stem", "stage1", "stage2", "pool"):
        try:
            x = getattr(net, name)(x)
        except NotImplementedError:  # what a list of layers raises, which is no part that waits to be written
            return {**answer, name: "cannot be called"}
        answer[name] = x
    return answer


def net_in_train(solution):
    """The logits of a TinyResNet with known weights in train mode, in float64, and what its batch statistics become."""
    net = filled(solution.TinyResNet(4, 3), torch.float64).train()
    return [net(uniform(3, 3, 15, 22, dtype=torch.float64)), buffers_of(net)]


# ----------------------------------------------------------------------------------------------------------- gradients


def block_gradients(solution):
    """The gradients of a block's input and of all its weights, in train and in eval mode."""
    answer = {}
    for setting in SETTINGS:
        for mode in (True, False):
            block = _block(solution, setting, torch.float64).train(mode)
            x = _image(setting, torch.float64).requires_grad_()
            wanted = {"input": x, **dict(block.named_parameters())}
            answer[f"{setting}, {'train' if mode else 'eval'}"] = gradients_of(weighted_sum(block(x)), wanted)
    return answer


def silent_branch_jacobian(solution):
    """How the input's gradient looks when the last BatchNorm multiplies by zero and the image is positive."""
    block = _silenced(_block(solution, "4 to 4", torch.float64)).eval()
    x = uniform(1, 4, 3, 5, low=0.5, high=1.5, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(block(x)), {"input": x})


def net_gradients(solution):
    """The gradients of a TinyResNet's image and of all its weights."""
    net = filled(solution.TinyResNet(4, 3), torch.float64).train()
    x = uniform(3, 3, 12, 17, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(net(x)), {"input": x, **dict(net.named_parameters())})


# ---------------------------------------------------------------------------------------------------------- invariants


def _silenced(block):
    with torch.no_grad():
        block.bn2.weight.zero_()
        block.bn2.bias.zero_()
    return block


def silent_branch(solution):
    """What is left of a block when its last BatchNorm multiplies by zero, and what its shortcut gives alone."""
    answer = {}
    for setting in SETTINGS:
        block = _silenced(_block(solution, setting)).eval()
        x = _image(setting)
        with torch.no_grad():
            answer[setting] = [block(x), block.shortcut(x)]
    return answer


def smallest_output(solution):
    """The smallest number in the outputs of blocks on images with negative values."""
    return min(_block(solution, setting)(_image(setting)).min().item() for setting in SETTINGS)


def untouched_input(solution):
    """Whether an image is what it was, and asks for no gradient, after a block has looked at it, in every mode."""
    answer = []
    for setting in SETTINGS:
        for mode in (True, False):
            x = _image(setting)
            before = x.clone()
            with torch.set_grad_enabled(mode):
                _block(solution, setting).train(mode)(x)
            answer.append(torch.equal(x, before) and not x.requires_grad)
    x = seeded(2, 3, 9, 12)
    before = x.clone()
    with torch.no_grad():
        filled(solution.TinyResNet(3, 4))(x)
    return [*answer, torch.equal(x, before)]


def same_twice(solution):
    """Whether a block, asked three times about the same image in train mode, gives the same output each time."""
    block = _block(solution, "3 to 5").train()
    x = _image("3 to 5")
    first = block(x)
    return [torch.equal(first, block(x)) for _ in range(2)]


def shape_questions(solution):
    """What preserves_shape says of blocks and layers that keep and that change the shape."""
    questions = {
        "a block that keeps it": (nn.Conv2d(4, 4, 3, padding=1), seeded(2, 4, 7, 10)),
        "more channels": (nn.Conv2d(3, 5, 3, padding=1), seeded(2, 3, 7, 10)),
        "half the size": (nn.Conv2d(4, 4, 3, 2, 1), seeded(2, 4, 7, 10)),
        "both": (nn.Conv2d(3, 6, 3, 2, 1), seeded(2, 3, 7, 10)),
        "height and width swapped": (_Swap(), seeded(2, 3, 4, 6)),
        "flattened": (nn.Flatten(), seeded(2, 3, 4, 6)),
        "one dimension more": (nn.Unflatten(1, (1, 3)), seeded(1, 3, 1, 4)),
        "batch halved": (_FirstHalf(), seeded(4, 3, 4, 6)),
        "one for the whole batch": (_Mean(), seeded(4, 3, 4, 6)),
        "only bright images pass": (_BrightOnes(), seeded(3, 2, 4, 5, mean=50.0)),
        "only the width": (nn.MaxPool2d((1, 2)), seeded(2, 3, 4, 6)),
        "only the height": (nn.MaxPool2d((2, 1)), seeded(2, 3, 4, 6)),
        "nothing at all": (nn.Identity(), seeded(1, 1, 1, 1)),
        "a flat layer": (nn.Linear(6, 6), seeded(5, 6)),
    }
    said = {name: solution.preserves_shape(block, x) for name, (block, x) in questions.items()}
    return {name: answer if isinstance(answer, bool) else type(answer).__name__ for name, answer in said.items()}


class _Swap(nn.Module):
    def forward(self, x):
        return x.transpose(2, 3)


class _FirstHalf(nn.Module):
    def forward(self, x):
        return x[: len(x) // 2]


class _Mean(nn.Module):
    def forward(self, x):
        return x.mean(0, keepdim=True)


class _BrightOnes(nn.Module):
    def forward(self, x):
        return x[x.flatten(1).mean(1) > 10]


class _Spy(nn.Module):
    """Notes in what state it was called; on the class, because a copy of the block is as good as the block."""

    seen: list = []  # noqa: RUF012 - shared by all copies on purpose

    def __init__(self, *inner):
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x):
        with torch.enable_grad():
            outer = torch.ones((), requires_grad=True)
        _Spy.seen.append([self.training, torch.is_grad_enabled(), (outer * x).requires_grad])
        return self.inner(x)


def shape_question_manners(solution):
    """In which mode preserves_shape runs a block, and what it leaves changed."""
    _Spy.seen.clear()
    spied = _Spy(_Spy()).train()
    solution.preserves_shape(spied, seeded(1, 2, 3, 4))
    block = _block(solution, "3 to 5").train()
    block.bn1.eval()  # a frozen layer inside a training block, as fine-tuning has it
    block.conv2.weight.requires_grad_(False)
    for parameter in block.parameters():
        parameter.grad = torch.ones_like(parameter)
    frozen = [not parameter.requires_grad for parameter in block.parameters()]
    before, modes = state_of(block), [module.training for module in block.modules()]
    x = _image("3 to 5").requires_grad_()
    asked = x.detach().clone()
    traces = traces_of(lambda: solution.preserves_shape(block, x))
    after = state_of(block)
    with torch.no_grad():
        traces_without_gradients = traces_of(lambda: solution.preserves_shape(block, x))
    sleeping = nn.Sequential(nn.Identity(), nn.Dropout()).eval()
    sleeping[1].train()
    solution.preserves_shape(sleeping, seeded(2, 3))
    return {
        "training, grad enabled, grad recorded": [list(seen) for seen in _Spy.seen],
        "modes restored": modes == [module.training for module in block.modules()],
        "modes of a sleeping block": [module.training for module in sleeping.modules()],
        "changed": sorted(name for name in before if not torch.equal(before[name], after[name])),
        "input unchanged": torch.equal(x.detach(), asked),
        "frozen as before": frozen == [not parameter.requires_grad for parameter in block.parameters()],
        "gradients kept": all(p.grad is not None and bool((p.grad == 1).all()) for p in block.parameters()),
        "traces": traces,
        "traces where gradients are off": traces_without_gradients,
    }


class _Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Dropout()

    def forward(self, x):
        raise RuntimeError("this block fails")


def shape_question_when_it_fails(solution):
    """Which modes a block is in after preserves_shape ran it and it raised."""
    block = nn.Sequential(nn.BatchNorm2d(3), _Fails()).train()
    block[0].eval()

    def question():
        try:
            solution.preserves_shape(block, seeded(2, 3, 4, 4))
        except NotImplementedError:
            raise
        except Exception:  # noqa: S110 - whether it lets the error through is left open
            pass

    return {"traces": traces_of(question), "modes": [module.training for module in block.modules()]}


# --------------------------------------------------------------------------------------------------------------- edges


def bad_arguments(solution):
    """What is raised for channels, strides, classes and widths that make no sense."""
    block, net = solution.BasicBlock, solution.TinyResNet
    return {
        "BasicBlock(0, 4)": raised_by(lambda: block(0, 4)),
        "BasicBlock(-1, 4)": raised_by(lambda: block(-1, 4)),
        "BasicBlock(4, 0)": raised_by(lambda: block(4, 0)),
        "BasicBlock(4, -2)": raised_by(lambda: block(4, -2)),
        "BasicBlock(0, 0)": raised_by(lambda: block(0, 0)),
        "BasicBlock(4, 4, stride=0)": raised_by(lambda: block(4, 4, stride=0)),
        "BasicBlock(4, 4, stride=3)": raised_by(lambda: block(4, 4, stride=3)),
        "BasicBlock(4, 4, stride=-1)": raised_by(lambda: block(4, 4, stride=-1)),
        "BasicBlock(4, 4, stride=4)": raised_by(lambda: block(4, 4, stride=4)),
        "TinyResNet(num_classes=0)": raised_by(lambda: net(num_classes=0)),
        "TinyResNet(num_classes=-3)": raised_by(lambda: net(num_classes=-3)),
        "TinyResNet(width=0)": raised_by(lambda: net(width=0)),
        "TinyResNet(width=-8)": raised_by(lambda: net(width=-8)),
    }


def smallest_arguments(solution):
    """What blocks and networks of the smallest sizes that do make sense compute."""
    with torch.no_grad():
        return [
            filled(solution.BasicBlock(1, 1)).eval()(seeded(2, 1, 4, 5)),
            filled(solution.BasicBlock(1, 2, 2)).eval()(seeded(2, 1, 4, 5)),
            filled(solution.BasicBlock(2, 1, 2)).eval()(seeded(2, 2, 5, 4)),
            filled(solution.TinyResNet(1, 1)).eval()(seeded(2, 3, 8, 9)),
        ]


def single_image(solution):
    """What blocks and a network compute for a batch of one, in eval mode and in train mode."""
    answer = []
    for mode in (False, True):
        answer += [_block(solution, setting).train(mode)(_image(setting, batch=1)) for setting in SETTINGS]
        answer.append(filled(solution.TinyResNet(5, 4)).train(mode)(seeded(1, 3, 12, 16)))
    return answer


def single_pixel(solution):
    """What blocks compute for images of one pixel, one row and one column, in eval mode."""
    sizes = ((1, 1), (1, 6), (5, 1), (2, 2))
    with torch.no_grad():
        return [
            _block(solution, setting).eval()(_image(setting, height=h, width=w))
            for setting in SETTINGS
            for h, w in sizes
        ]


# ------------------------------------------------------------------------------------------------------------- overfit

IMAGES, CLASSES, WIDTH, STEPS = 50, 3, 8, 40


def _pictures(seed):
    return stacked(scenes(IMAGES, seed=seed, size=16, max_obj=1))  # (50, 3, 16, 16), (50,)


def overfit(solution):
    """The loss of a TinyResNet while it learns 50 images by heart, and the weights it ends with."""
    images, labels = _pictures(run_seed())
    net = begun(solution.TinyResNet(CLASSES, WIDTH)).train()
    losses = train(net, lambda step: F.cross_entropy(net(images), labels), steps=STEPS, lr=1e-2)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def loss_with_weights(solution, weights):
    """The loss on the same 50 images of a network that has these weights."""
    images, labels = _pictures(run_seed())
    net = solution.TinyResNet(CLASSES, WIDTH).train()
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        logits = net(images)
    return {
        "fits": True,
        "loss": float(F.cross_entropy(logits, labels)),
        "right": int((logits.argmax(1) == labels).sum()),
    }


# ----------------------------------------------------------------------------------------------------------- resources


def sizes(solution):
    """How many numbers blocks and networks learn."""
    blocks = {setting: parameter_count(solution.BasicBlock(*arguments)) for setting, arguments in SETTINGS.items()}
    return {
        **blocks,
        "TinyResNet(5, 4)": parameter_count(solution.TinyResNet(5, 4)),
        "TinyResNet()": parameter_count(solution.TinyResNet()),
    }


def traces(solution):
    """What a forward pass changes: global random state, gradient mode, names of what the block learns."""
    block = _block(solution, "3 to 6, stride 2").train()
    net = filled(solution.TinyResNet(3, 4)).train()
    names = [sorted(layout_of(block)), sorted(layout_of(net))]
    changed = traces_of(lambda: [block(_image("3 to 6, stride 2")), net(seeded(2, 3, 12, 16))])
    with torch.no_grad():
        changed += traces_of(lambda: [block(_image("3 to 6, stride 2")), net(seeded(2, 3, 12, 16))])
    learnable = all(parameter.requires_grad for module in (block, net) for parameter in module.parameters())
    return {
        "changed": changed,
        "seeds the global generator": seeds_anew(lambda: solution.TinyResNet(3, 4)),
        "names": names == [sorted(layout_of(block)), sorted(layout_of(net))],
        "learnable": learnable,
    }
