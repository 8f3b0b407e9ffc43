"""Questions about two heads on one backbone. Sizes are unequal on purpose: B, C, H, W and the width all differ."""

from __future__ import annotations

import gc
import weakref

import torch
from torch import nn

from cvlab.probing import (
    activation_statistics,
    begun,
    buffers_of,
    filled,
    gradients_of,
    integers,
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

CLASSES = 5


def _image(batch=3, height=6, width=10, dtype=torch.float32):
    return seeded(batch, 3, height, width, mean=0.3, std=1.2, dtype=dtype)


def _predictions(dtype=torch.float32, batch=3, height=4, width=6):
    """Logits and depths as a network may predict them, as leaves of the graph."""
    return {
        "cls": seeded(batch, CLASSES, std=2.0, dtype=dtype).requires_grad_(),  # (B, C)
        "depth": seeded(batch, 1, height, width, mean=1.5, dtype=dtype).requires_grad_(),  # (B, 1, H, W)
    }


def _target(dtype=torch.float32, batch=3, height=4, width=6):
    """Labels, and depths of which the first image knows all, the second loses a column, the third keeps a row."""
    depth = uniform(batch, 1, height, width, low=0.5, high=3.0, dtype=dtype)  # (B, 1, H, W)
    depth[1:2, :, :, 0] = 0.0
    depth[2:3, :, 1:] = 0.0
    return {"cls": integers(batch, high=CLASSES), "depth": depth}


def _or_zeros(gradients, tensors):
    """Where a gradient of zeros and none at all are equally right, say zeros."""
    return {
        name: torch.zeros_like(tensors[name]) if gradient is None else gradient for name, gradient in gradients.items()
    }


def _short(dtype):
    return str(dtype).removeprefix("torch.")


def _step(loss):
    """Return total and log by name; tensors in a log are told once, by `log_types`, and are numbers to all others."""
    total, log = loss
    if isinstance(log, dict):
        single = {name: isinstance(value, torch.Tensor) and value.numel() == 1 for name, value in log.items()}
        log = {name: value.item() if single[name] else value for name, value in log.items()}
    return {"total": total, "log": log}


def _kind_of(value):
    """Return what kind of value this is; every kind of Python float is a float."""
    if isinstance(value, torch.Tensor):
        return f"tensor of shape {tuple(value.shape)}, {_short(value.dtype)}"
    return "float" if isinstance(value, float) else type(value).__name__


# ---------------------------------------------------------------------------------------------------- shapes and names


def net_shapes(solution):
    """The shapes of what a TwoHeadNet predicts, with 5 classes and width 4, and made without arguments."""
    small = solution.TwoHeadNet(num_classes=CLASSES, width=4)(_image())
    usual = solution.TwoHeadNet()(_image(batch=2, height=8, width=4))
    return {
        "5 classes, width 4": {task: list(value.shape) for task, value in _named(small)},
        "no arguments": {task: list(value.shape) for task, value in _named(usual)},
    }


def _named(out):
    """Return the pairs of a dict; something else, which a learner should be told of, as one pair of its own."""
    return out.items() if isinstance(out, dict) else [(f"a {type(out).__name__} instead of a dict", torch.empty(0))]


def net_names(solution):
    """The names and shapes of everything a TwoHeadNet learns or remembers."""
    return {
        "5 classes, width 4": layout_of(solution.TwoHeadNet(CLASSES, 4)),
        "no arguments": layout_of(solution.TwoHeadNet()),
    }


def log_types(solution):
    """The names in the log of multitask_loss and the types of what it holds, and the shape and dtype of the total."""
    total, log = solution.multitask_loss(_predictions(), _target(), {"cls": 0.7, "depth": 1.3})
    return {"total": _kind_of(total), "log": {str(name): _kind_of(value) for name, value in _named(log)}}


# -------------------------------------------------------------------------------------------------------------- parity


def worked_example(solution):
    """The total and the log for two images of one row and two pixels, one of them of unknown depth."""
    out = {
        "cls": torch.tensor([[3.0, 1.0, 1.0], [1.0, 1.0, 1.0]], dtype=torch.float64).log(),  # (2, 3)
        "depth": torch.tensor([[[[1.0, 2.5]]], [[[3.0, 7.0]]]], dtype=torch.float64),  # (2, 1, 1, 2)
    }
    target = {
        "cls": torch.tensor([0, 2]),
        "depth": torch.tensor([[[[0.5, 2.0]]], [[[0.0, 4.0]]]], dtype=torch.float64),  # (2, 1, 1, 2)
    }
    return _step(solution.multitask_loss(out, target, {"cls": 2.0, "depth": 0.5}))


def net_in_eval(solution):
    """What a TwoHeadNet with known weights predicts in eval mode, in float64 and in float32."""
    answer = {}
    for dtype in (torch.float64, torch.float32):
        net = filled(solution.TwoHeadNet(CLASSES, 4), dtype).eval()
        answer[_short(dtype)] = net(_image(dtype=dtype))
        with torch.no_grad():  # with the last layer of the depth head turned round, what was positive is negative
            for name, value in net.named_parameters():
                if name.startswith("depth_head.2."):
                    value.neg_()
        answer[f"{_short(dtype)}, depths turned round"] = net(_image(batch=2, height=10, width=4, dtype=dtype))
    return answer


def net_made_without_arguments(solution):
    """What a TwoHeadNet made without arguments predicts in eval mode."""
    return filled(solution.TwoHeadNet()).eval()(_image(batch=2, height=8, width=12))


def net_in_train(solution):
    """What a TwoHeadNet with known weights predicts in train mode, in float64, and what it remembers of the batch."""
    net = filled(solution.TwoHeadNet(4, 3), torch.float64).train()
    return {"prediction": net(_image(dtype=torch.float64)), "memory": buffers_of(net)}


#: Pairs of weights; the first are whole numbers, the last name their tasks in another order than all others do.
WEIGHTS = ({"cls": 1, "depth": 1}, {"cls": 0.3, "depth": 2.7}, {"depth": 0.05, "cls": 12.5})


def _settings():
    for dtype in (torch.float64, torch.float32):
        for weights in WEIGHTS:
            yield f"{_short(dtype)}, weights {weights['cls']} and {weights['depth']}", dtype, dict(weights)


def totals(solution):
    """The total for three pairs of weights, in float64 and in float32."""
    return {
        name: solution.multitask_loss(_predictions(dtype), _target(dtype), weights)[0]
        for name, dtype, weights in _settings()
    }


def totals_of_other_orders(solution):
    """The total where the three dicts name their tasks in different orders."""
    out, target = _predictions(torch.float64), _target(torch.float64)
    turned = dict(reversed(out.items())), dict(reversed(target.items()))
    return {
        "out": solution.multitask_loss(turned[0], target, {"cls": 0.3, "depth": 2.7})[0],
        "target and weights": solution.multitask_loss(out, turned[1], {"depth": 2.7, "cls": 0.3})[0],
    }


def totals_of_large_numbers(solution):
    """The total for logits in the thousands, and for logits and depths that differ little and are large."""
    out, target = _predictions(torch.float64), _target(torch.float64)
    weights = {"cls": 0.6, "depth": 0.9}
    loud = {"cls": out["cls"] * 1e3, "depth": out["depth"] * 50}
    far = {"cls": out["cls"] + 1e5, "depth": out["depth"] + 1e5}
    distant = {"cls": target["cls"], "depth": torch.where(target["depth"] > 0, target["depth"] + 1e5, 0.0)}
    return {
        "logits in the thousands": solution.multitask_loss(loud, target, weights)[0],
        "far from zero": solution.multitask_loss(far, distant, weights)[0],
    }


def logs(solution):
    """The log for three pairs of weights, in float64 and in float32."""
    return {
        name: _step(solution.multitask_loss(_predictions(dtype), _target(dtype), weights))["log"]
        for name, dtype, weights in _settings()
    }


def log_of_small_losses(solution):
    """The log of a network that is nearly right everywhere."""
    target = _target(torch.float64)
    logits = torch.full((3, CLASSES), -6.0, dtype=torch.float64)
    logits[torch.arange(3), target["cls"]] = 6.0
    out = {"cls": logits, "depth": target["depth"] + 3e-5}
    return _step(solution.multitask_loss(out, target, {"cls": 1.0, "depth": 1.0}))["log"]


def depths_near_the_border(solution):
    """The total and the log where target depths are 0, below 0, tiny, and far."""
    known = uniform(3, 1, 4, 6, low=0.5, high=3.0, dtype=torch.float64)
    several = {
        name: known.clone() for name in ("all known", "some -1", "some 1e-9", "one image unknown", "some far away")
    }
    several["some -1"][:, :, 1, ::2] = -1.0  # a sensor that says -1 where it sees nothing
    several["some 1e-9"][:, :, 2, 1:4] = 1e-9  # near, but known
    several["one image unknown"][1] = 0.0
    several["some far away"][:, :, :, 3] = 80.0  # metres
    out, labels, weights = _predictions(torch.float64), _target()["cls"], {"cls": 0.4, "depth": 1.7}
    return {
        name: _step(solution.multitask_loss(dict(out), {"cls": labels, "depth": depth}, weights))
        for name, depth in several.items()
    }


# ------------------------------------------------------------------------------------------------- gradients of the net


def gradients_of_each_task(solution):
    """The gradients of a TwoHeadNet's image and weights for the class alone and for the depth alone."""
    answer = {}
    for mode in (True, False):
        for task in ("cls", "depth"):
            net = filled(solution.TwoHeadNet(CLASSES, 4), torch.float64).train(mode)
            image = _image(dtype=torch.float64).requires_grad_()
            wanted = {"input": image, **dict(net.named_parameters())}
            found = gradients_of(weighted_sum(net(image)[task]), wanted)
            answer[f"{task}, {'train' if mode else 'eval'}"] = _or_zeros(found, wanted)
    return answer


# ------------------------------------------------------------------------------------------------ gradients of the loss


def loss_gradients(solution):
    """The gradients of the total for logits and depths, for three pairs of weights, in float64 and in float32."""
    answer = {}
    for name, dtype, weights in _settings():
        out = _predictions(dtype)
        total, _ = solution.multitask_loss(dict(out), _target(dtype), weights)
        answer[name] = gradients_of(total, out)
    return answer


def weight_of_zero(solution):
    """The total, the log and the gradients when one task has weight 0; no gradient counts as one of zeros."""
    answer = {}
    for task, weights in (("cls", {"cls": 0.0, "depth": 1.3}), ("depth", {"cls": 0.7, "depth": 0.0})):
        out = _predictions(torch.float64)
        step = _step(solution.multitask_loss(dict(out), _target(torch.float64), weights))
        answer[f"weight 0 for {task}"] = {**step, "gradient": _or_zeros(gradients_of(step["total"], out), out)}
    return answer


def nothing_known(solution):
    """The total, the log and the gradients when no depth is known, for a batch and for one image."""
    answer = {}
    for name, batch, nothing in (("three images", 3, 0.0), ("one image", 1, 0.0), ("all depths -1", 3, -1.0)):
        out, target = _predictions(torch.float64, batch), _target(torch.float64, batch)
        nowhere = {"cls": target["cls"], "depth": torch.full_like(target["depth"], nothing)}
        step = _step(solution.multitask_loss(dict(out), nowhere, {"cls": 0.7, "depth": 1.3}))
        answer[name] = {**step, "gradient": gradients_of(step["total"], out)}
    return answer


# ---------------------------------------------------------------------------------------------------------- invariants


def parts_of_the_total(solution):
    """What is left when the total, with large weights, is reduced by each weight times the total of that task alone."""
    out, target = _predictions(torch.float64), _target(torch.float64)

    def total(cls, depth):
        return solution.multitask_loss(dict(out), dict(target), {"cls": cls, "depth": depth})[0]

    alone = {"cls": total(1.0, 0.0), "depth": total(0.0, 1.0)}
    return {
        "both": total(3000.3, 7000.7) - 3000.3 * alone["cls"] - 7000.7 * alone["depth"],
        "both doubled": total(6000.6, 14001.4) - 2 * total(3000.3, 7000.7),
        "one doubled": total(3000.3, 14001.4) - total(3000.3, 7000.7) - 7000.7 * alone["depth"],
    }


def loss_manners(solution):
    """What multitask_loss leaves of its dicts and tensors, of .grad, of an earlier log; its results without a graph."""
    out, target, weights = _predictions(torch.float64), _target(torch.float64), {"cls": 0.7, "depth": 1.3}
    target["depth"][0, 0, 1, 1:3] = -1.0
    leaves = dict(out)
    for leaf in leaves.values():
        leaf.grad = torch.full_like(leaf, 0.25)  # of an earlier batch
    before = {name: value.detach().clone() for name, value in leaves.items()}
    asked = {name: value.clone() for name, value in target.items()}
    total, log = solution.multitask_loss(out, target, weights)
    noted = dict(log)
    still = {
        "predictions": _still(out, before) and all(out[name] is leaves[name] for name in leaves),
        "targets": _still(target, asked) and not any(value.requires_grad for value in target.values()),
        "weights": weights == {"cls": 0.7, "depth": 1.3},
    }
    grads = {name: leaf.grad for name, leaf in leaves.items()}
    with torch.no_grad():
        values = _step(solution.multitask_loss(_predictions(torch.float64), _target(torch.float64), weights))
    still["the log of the call before"] = log == noted
    return {"unchanged": still, "gradients before backward": grads, "without a graph": values, "total": total}


def _still(tensors, before):
    return tensors.keys() == before.keys() and all(torch.equal(tensors[name], before[name]) for name in before)


def image_afterwards(solution):
    """Whether an image is still what it was after a TwoHeadNet has looked at it, in train and in eval mode."""
    answer = {}
    for mode in (True, False):
        image = _image()
        before = image.clone()
        with torch.no_grad():
            filled(solution.TwoHeadNet(4, 3)).train(mode)(image)
        answer["train" if mode else "eval"] = torch.equal(image, before)
    return answer


# ------------------------------------------------------------------------------------------------------ gradient shares


def _tasks(dtype):
    """Three losses on three shared parameters, and a head of the first: "flow" does not use the last parameter."""
    shared = [
        seeded(3, 4, dtype=dtype).requires_grad_(),
        seeded(3, mean=0.5, dtype=dtype).requires_grad_(),
        uniform(2, 3, low=0.5, high=1.5, dtype=dtype).requires_grad_(),
    ]
    head = seeded(2, dtype=dtype).requires_grad_()
    hidden = torch.tanh(seeded(5, 4, dtype=dtype) @ shared[0].T + shared[1])  # (5, 3)
    features = hidden @ shared[2].T  # (5, 2)
    losses = {
        "normals": 3.0 * (features @ head - 1.0).square().mean(),
        "cls": 1.0 * features.logsumexp(dim=1).mean(),
        "flow": 2.0 * (hidden + 2.0).abs().sum(dim=1).mean(),
    }
    return losses, shared, head


def shares(solution):
    """The gradient shares of three tasks, of two, and of one, in float64."""
    losses, shared, _ = _tasks(torch.float64)
    return {
        "three tasks": solution.gradient_share(losses, shared),
        "two tasks": solution.gradient_share({task: losses[task] for task in ("flow", "cls")}, shared),
        "one task": solution.gradient_share({"flow": losses["flow"]}, shared),
    }


def shares_in_float32(solution):
    """The gradient shares of three tasks in float32."""
    losses, shared, _ = _tasks(torch.float32)
    return solution.gradient_share(losses, shared)


def shares_on_paper(solution):
    """The gradient shares of two tasks with gradients (3, 4) and (12, -5), and of small parts of them."""
    x, y = (torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
    cls, depth = (3.0 * x + 4.0 * y).sum(), (12.0 * x - 5.0 * y).sum()
    return {
        "on both": solution.gradient_share({"cls": cls, "depth": depth}, [x, y]),
        "a hundredth of both": solution.gradient_share({"cls": cls / 100, "depth": depth / 100}, [x, y]),
        "a ten-thousandth of both": solution.gradient_share({"cls": cls / 1e4, "depth": depth / 1e4}, [x, y]),
        "on the first alone": solution.gradient_share({"cls": cls, "depth": depth}, (x,)),
        "one task uses one": solution.gradient_share({"cls": (3.0 * x).sum(), "depth": depth}, [y, x]),
    }


def shares_of_nothing(solution):
    """The gradient shares where a task does not use the shared parameters, where none does, where gradients are 0."""
    shared = [seeded(3, 2, dtype=torch.float64).requires_grad_(), seeded(4, dtype=torch.float64).requires_grad_()]
    own = seeded(3, dtype=torch.float64).requires_grad_()
    first, last = shared[0].square().sum(), 2.0 * shared[1].square().sum()
    stranger, silent = own.square().sum(), shared[0].sum() * 0.0
    return {
        "one of two": solution.gradient_share({"cls": stranger, "depth": first}, shared),
        "each another": solution.gradient_share({"cls": last, "depth": first}, shared),
        "none": solution.gradient_share({"cls": stranger, "depth": 2.0 * stranger}, shared),
        "none of one": solution.gradient_share({"cls": stranger}, shared),
        "gradient of zeros": solution.gradient_share({"cls": silent, "depth": first}, shared),
        "only zeros": solution.gradient_share({"cls": silent, "depth": 3.0 * silent, "flow": stranger}, shared),
    }


def share_manners(solution):
    """What gradient_share leaves behind: every .grad, the losses, and a graph that can still be trained on."""
    losses, shared, head = _tasks(torch.float64)
    leaves = {**{f"shared {number}": leaf for number, leaf in enumerate(shared)}, "head": head}
    leaves["shared 0"].grad = torch.full_like(shared[0], 0.25)
    head.grad = torch.full_like(head, -0.5)
    values = {task: loss.item() for task, loss in losses.items()}
    solution.gradient_share(losses, shared)
    return {
        "gradients": {name: None if leaf.grad is None else leaf.grad.clone() for name, leaf in leaves.items()},
        "losses unchanged": {task: loss.item() for task, loss in losses.items()} == values,
        "list unchanged": len(shared) == 3 and all(leaves[f"shared {n}"] is leaf for n, leaf in enumerate(shared)),
        "learnable": {name: leaf.requires_grad for name, leaf in leaves.items()},
        "a backward pass raises": raised_by(lambda: sum(losses.values()).backward()),
        "gradients after it": {name: leaf.grad for name, leaf in leaves.items()},
    }


# --------------------------------------------------------------------------------------------------------------- edges


def odd_images(solution):
    """What is raised for images of odd height, odd width, or both, in train and in eval mode."""
    answer = {}
    for mode in (True, False):
        net = solution.TwoHeadNet(4, 3).train(mode)
        for height, width in ((5, 6), (6, 5), (7, 9), (8, 11)):
            image = _image(height=height, width=width)
            name = f"{height} x {width}, {'train' if mode else 'eval'}"
            answer[name] = raised_by(lambda net=net, image=image: net(image), ValueError)
    return answer


def even_images(solution):
    """What a TwoHeadNet predicts for images of the smallest even sizes, with one class, and for one image."""
    answer = {}
    with torch.no_grad():
        for height, width in ((2, 2), (2, 6), (10, 2), (6, 14)):
            net = filled(solution.TwoHeadNet(4, 3)).eval()
            answer[f"{height} x {width}"] = net(_image(batch=2, height=height, width=width))
        answer["one class, width 1"] = filled(solution.TwoHeadNet(1, 1)).eval()(_image(batch=2, height=4, width=6))
        for mode in (True, False):
            net = filled(solution.TwoHeadNet(4, 3)).train(mode)
            answer[f"one image, {'train' if mode else 'eval'}"] = net(_image(batch=1))
    return answer


def one_image(solution):
    """The total, the log and the gradients for a batch of one image, and for a map of one pixel."""
    answer = {}
    for name, height, width in (("one image", 4, 6), ("one pixel", 1, 1)):
        out, target = _predictions(torch.float64, 1, height, width), _target(torch.float64, 1, height, width)
        step = _step(solution.multitask_loss(dict(out), target, {"cls": 0.7, "depth": 1.3}))
        answer[name] = {**step, "gradient": gradients_of(step["total"], out)}
    return answer


def other_depth_shapes(solution):
    """What is raised when the target's depth has another shape than the predicted one."""
    answer = {}
    for batch, shape in (
        (3, (3, 4, 6)),
        (1, (1, 4, 6)),
        (3, (4, 6)),
        (3, (1, 1, 4, 6)),
        (3, (3, 1, 1, 1)),
        (3, (3, 1, 4, 1)),
        (3, (3, 1, 1, 6)),
        (3, (3, 3, 4, 6)),
        (3, (3, 1, 6, 4)),
        (3, (3, 1, 8, 12)),
        (3, (72,)),
        (3, (3, 1, 1, 4, 6)),
    ):
        target = {"cls": integers(batch, high=CLASSES), "depth": uniform(*shape, low=0.5, high=3.0)}
        out = _predictions(batch=batch)
        answer[f"{(batch, 1, 4, 6)} and {shape}"] = raised_by(
            lambda out=out, target=target: solution.multitask_loss(out, target, {"cls": 1.0, "depth": 1.0}), ValueError
        )
    return answer


def other_keys(solution):
    """What is raised when some of the three dicts have a task too few or too many."""
    extra = {"out": seeded(3, 2), "target": integers(3, high=2), "weights": 0.5}
    answer = {}
    dicts = {"out": _predictions(), "target": _target(), "weights": {"cls": 1.0, "depth": 1.0}}
    for place, task in (("out", "normals"), ("target", "edges"), ("weights", "flow")):
        dicts[place][task] = extra[place]
    answer["each with a task of its own"] = raised_by(lambda: solution.multitask_loss(*dicts.values()), KeyError)
    for places in (("out",), ("target",), ("weights",), ("out", "target"), ("out", "weights"), ("target", "weights")):
        for change in ("without cls", "without depth", "with normals"):
            dicts = {"out": _predictions(), "target": _target(), "weights": {"cls": 1.0, "depth": 1.0}}
            for place in places:
                if change == "with normals":
                    dicts[place]["normals"] = extra[place]
                else:
                    del dicts[place][change.removeprefix("without ")]
            answer[f"{' and '.join(places)} {change}"] = raised_by(
                lambda dicts=dicts: solution.multitask_loss(dicts["out"], dicts["target"], dicts["weights"]), KeyError
            )
    return answer


def negative_weights(solution):
    """What is raised for a weight below 0, one at a time and both."""
    answer = {}
    for cls, depth in ((-1.0, 1.0), (1.0, -1.0), (-0.001, 0.0), (2.0, -1e-6), (-0.5, -0.5)):
        weights = {"cls": cls, "depth": depth}
        answer[f"cls {cls}, depth {depth}"] = raised_by(
            lambda weights=weights: solution.multitask_loss(_predictions(), _target(), weights), ValueError
        )
    return answer


# ------------------------------------------------------------------------------------------------------------- overfit

IMAGES, KINDS, WIDTH, STEPS = 50, 3, 8, 80
BOTH = {"cls": 1.0, "depth": 1.0}


def _pictures(seed):
    pictures = scenes(IMAGES, seed=seed, size=16, max_obj=1)
    images, labels = stacked(pictures)  # (50, 3, 16, 16), (50,)
    depth = torch.stack([picture.depth for picture in pictures])[:, None]  # (50, 1, 16, 16)
    return images, {"cls": labels, "depth": depth}


def overfit(solution):
    """The total while a TwoHeadNet learns class and depth of 50 images by heart, and the weights it ends with."""
    images, target = _pictures(run_seed())
    net = begun(solution.TwoHeadNet(KINDS, WIDTH)).train()
    losses = train(net, lambda step: solution.multitask_loss(net(images), target, BOTH)[0], steps=STEPS, lr=1e-2)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def losses_with_weights(solution, weights):
    """Both losses on the same 50 images of a network that has these weights."""
    images, target = _pictures(run_seed())
    net = solution.TwoHeadNet(KINDS, WIDTH).train()
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        out = net(images)
        _, log = solution.multitask_loss(out, target, BOTH)
    return {
        "fits": True,
        "cls": log["cls"],
        "depth": log["depth"],
        "right": int((out["cls"].argmax(1) == target["cls"]).sum()),
    }


# ----------------------------------------------------------------------------------------------------------- resources

SIZES = ((5, 4), (3, 8), (1, 1))


def sizes(solution):
    """How many numbers networks of different classes and widths learn."""
    return {
        **{f"TwoHeadNet{arguments}": parameter_count(solution.TwoHeadNet(*arguments)) for arguments in SIZES},
        "TwoHeadNet()": parameter_count(solution.TwoHeadNet()),
    }


def traces(solution):
    """What a step changes beside the network's gradients: global state, and the names of what it learns."""
    net = filled(solution.TwoHeadNet(CLASSES, 4)).train()
    names = sorted(layout_of(net))
    image, target = _image(height=4, width=6), _target()

    def step():
        out = net(image)
        solution.multitask_loss(out, target, {"cls": 0.7, "depth": 1.3})
        losses = {task: weighted_sum(value) for task, value in out.items()}
        solution.gradient_share(losses, list(net.backbone.parameters()))

    return {
        "changed": traces_of(step),
        "seeds the global generator": seeds_anew(lambda: solution.TwoHeadNet(CLASSES, 4)),
        "names": names == sorted(layout_of(net)),
        "learnable": all(parameter.requires_grad for parameter in net.parameters()),
        "training": [module.training for module in net.modules() if isinstance(module, nn.BatchNorm2d)],
    }


class _Witness:
    """Lives as long as the graph that holds it."""

    def __call__(self, gradient):
        return None


def graph_afterwards(solution):
    """Whether anything of the graph is alive when a step has ended and only the log is kept."""
    kept, witnesses = [], []

    def step():
        witness = _Witness()
        witnesses.append(weakref.ref(witness))
        out = {task: value * 1.0 for task, value in _predictions().items()}
        for value in out.values():
            value.register_hook(witness)
        total, log = solution.multitask_loss(out, _target(), {"cls": 0.7, "depth": 1.3})
        total.backward()
        kept.append(log)

    for _ in range(2):
        step()
    if any(witness() is not None for witness in witnesses):
        gc.collect()
    return [witness() is not None for witness in witnesses]


# ------------------------------------------------------------------------------------------------------------- pictures


def training(solution):
    """Both losses of every step while a TwoHeadNet learns, and the class's share of the gradient at every fourth."""
    images, target = _pictures(run_seed())
    net = begun(solution.TwoHeadNet(KINDS, WIDTH)).train()
    shared = list(net.backbone.parameters())
    answer = {"cls": [], "depth": [], "share of cls": []}

    def loss(step):
        out = net(images)
        total, log = solution.multitask_loss(out, target, BOTH)
        for task in BOTH:
            answer[task].append(float(log[task]))
        if step % 4 == 0:
            alone = {
                task: solution.multitask_loss(out, target, dict.fromkeys(BOTH, 0.0) | {task: 1.0})[0] for task in BOTH
            }
            answer["share of cls"].append(float(solution.gradient_share(alone, shared)["cls"]))
        return total

    train(net, loss, steps=STEPS, lr=1e-2)
    return answer


def depth_found(solution):
    """Two pictures learnt by heart and two new ones: the true depth of each, and what a trained TwoHeadNet says."""
    net = solution.TwoHeadNet(KINDS, WIDTH).train()
    net.load_state_dict(overfit(solution)["weights"])
    learnt, new = _pictures(run_seed()), _pictures(run_seed() + 1)
    images = torch.cat([learnt[0][:2], new[0][:2]])
    with torch.no_grad():  # in train mode, as it learnt, and among all pictures: the batch decides the statistics
        found = net(torch.cat([images, learnt[0]]))["depth"][:4]  # (4, 1, 16, 16)
    return {"images": images, "depth": torch.cat([learnt[1]["depth"][:2], new[1]["depth"][:2]]), "found": found}
