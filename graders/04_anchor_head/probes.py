"""Questions about an anchor head. Sizes are unequal on purpose: B, Cin, A, C, K, H, W, sizes and ratios all differ."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import nn

from cvlab.probing import (
    activation_statistics,
    begun,
    filled,
    gradients_of,
    layout_of,
    raised_by,
    run_seed,
    scenes,
    seeded,
    seeds_anew,
    state_of,
    traces_of,
    train,
    uniform,
    weighted_sum,
)

#: Heads by their arguments; those of the first are left to their defaults.
HEADS = {"AnchorHead(8)": (8,), "AnchorHead(5, 2, 7)": (5, 2, 7), "AnchorHead(3, 6, 2)": (3, 6, 2)}


def _head(solution, name, dtype=torch.float64):
    return filled(solution.AnchorHead(*HEADS[name]), dtype)


def _map(name, dtype=torch.float64, batch=2, height=5, width=7, std=1.0):
    return seeded(batch, HEADS[name][0], height, width, mean=-0.2, std=std, dtype=dtype)


# ---------------------------------------------------------------------------------------------------- shapes and names


def head_shapes(solution):
    """The shapes of a head's two outputs, on wide, tall and odd maps; one of the heads is made with one argument."""
    return {
        f"{name} on a {h}x{w} map": [list(out.shape) for out in _head(solution, name)(_map(name, height=h, width=w))]
        for name in HEADS
        for h, w in ((5, 7), (6, 3))
    }


def head_names(solution):
    """The names and shapes of everything a head learns, without and with a prior."""
    names = {name: layout_of(solution.AnchorHead(*arguments)) for name, arguments in HEADS.items()}
    return {**names, "AnchorHead(5, 2, 7, 0.01)": layout_of(solution.AnchorHead(5, 2, 7, 0.01))}


def row_shapes(solution):
    """The shape flatten_predictions gives to maps of several sizes."""
    maps = {
        "(2, 12, 5, 7) and 3 anchors": ((2, 12, 5, 7), 3),
        "(3, 10, 6, 4) and 2 anchors": ((3, 10, 6, 4), 2),
        "(1, 8, 2, 9) and 4 anchors": ((1, 8, 2, 9), 4),
    }
    return {name: list(solution.flatten_predictions(seeded(*shape), a).shape) for name, (shape, a) in maps.items()}


def small_grid(solution):
    """The anchors of a 2x3 map with stride 8, sizes 4 and 8, ratios 1 and 4."""
    return solution.grid_anchors((2, 3), 8, [4.0, 8.0], [1.0, 4.0])


# -------------------------------------------------------------------------------------------------------------- parity


def predictions(solution):
    """What heads with known weights predict in float64, in train and in eval mode."""
    with torch.no_grad():
        return {
            f"{name}, {'train' if mode else 'eval'}": list(_head(solution, name).train(mode)(_map(name)))
            for name in HEADS
            for mode in (True, False)
        }


def predictions_in_float32(solution):
    """What heads with known weights predict in float32."""
    with torch.no_grad():
        return {name: list(_head(solution, name, torch.float32)(_map(name, torch.float32))) for name in HEADS}


def predictions_on_bright_maps(solution):
    """What a head with known weights predicts when the numbers of the map are large."""
    with torch.no_grad():
        return list(_head(solution, "AnchorHead(5, 2, 7)")(_map("AnchorHead(5, 2, 7)", std=3000.0)))


def rows(solution):
    """What flatten_predictions makes of maps of any numbers, in float64 and in float32."""
    return [
        solution.flatten_predictions(seeded(2, 12, 5, 7, dtype=torch.float64), 3),
        solution.flatten_predictions(seeded(3, 10, 4, 3, dtype=torch.float64), 2),
        solution.flatten_predictions(seeded(2, 12, 3, 5), 4),
    ]


def _sizes(count):
    return [round(size, 2) for size in uniform(count, low=3.0, high=24.0, dtype=torch.float64).tolist()]


def _ratios(count):
    return [round(ratio, 2) for ratio in uniform(count, low=0.3, high=3.0, dtype=torch.float64).tolist()]


def grids(solution):
    """The anchors of maps of several sizes, for several strides, sizes and ratios, each given as a list or a tuple."""
    return {
        "2x3 map, stride 8, 2 sizes, 3 ratios": solution.grid_anchors((2, 3), 8, _sizes(2), _ratios(3)),
        "2x3 map, stride 8, others in their place": solution.grid_anchors((2, 3), 8, _sizes(2), _ratios(3)),
        "4x3 map, stride 5, 3 sizes, 2 ratios": solution.grid_anchors((4, 3), 5, tuple(_sizes(3)), tuple(_ratios(2))),
        "4x3 map, stride 7, 3 sizes, 2 ratios": solution.grid_anchors((4, 3), 7, tuple(_sizes(3)), tuple(_ratios(2))),
        "2x6 map, stride 4, 1 size, 3 ratios": solution.grid_anchors((2, 6), 4, _sizes(1), _ratios(3)),
        "5x2 map, stride 3, 4 sizes, 1 ratio": solution.grid_anchors((5, 2), 3, _sizes(4), _ratios(1)),
    }


def grids_in_any_order(solution):
    """The anchors for sizes and ratios that come unsorted and, some of them, twice."""
    return solution.grid_anchors((3, 2), 9, [16.0, 6.0, 16.0, 11.0], (2.0, 0.5, 2.0))


def prior_biases(solution):
    """The class biases of new heads with a prior, which is given by position and by name."""
    heads = {
        "0.01": solution.AnchorHead(2, 3, 5, 0.01),
        "0.2": solution.AnchorHead(2, 4, 3, prior_prob=0.2),
        "0.5": solution.AnchorHead(2, prior_prob=0.5),
        "0.9": solution.AnchorHead(in_channels=2, num_anchors=1, num_classes=2, prior_prob=0.9),
    }
    return {f"prior {prior}": state_of(head)["cls.bias"] for prior, head in heads.items()}


def reach_of_the_prior(solution):
    """How many other numbers of a new head equal its class bias, and whether one without a prior has such a bias."""
    state = state_of(solution.AnchorHead(4, 3, 5, 0.03))
    bias = state["cls.bias"]
    counts = {name: int((state[name] == bias[0]).sum()) for name in sorted(state) if name != "cls.bias"}
    without = [state_of(head)["cls.bias"] for head in (solution.AnchorHead(4), solution.AnchorHead(4, 2, 6, None))]
    return {
        "numbers outside cls.bias that equal the prior's bias": counts,
        "one same non-zero bias without a prior": [bool((b == b[0]).all() and b[0] != 0) for b in without],
    }


# ----------------------------------------------------------------------------------------------------------- gradients


def head_gradients(solution):
    """For each of a head's two outputs, the gradients of the map and of the layer that makes the output."""
    answer = {}
    for name in HEADS:
        for index, layer in enumerate(("cls", "reg")):
            head, f = _head(solution, name), _map(name).requires_grad_()
            learnt_there = {key: value for key, value in head.named_parameters() if key.startswith(layer)}
            answer[f"{name}, {layer}"] = gradients_of(weighted_sum(head(f)[index]), {"input": f, **learnt_there})
    return answer


def row_gradients(solution):
    """The gradient of a map of predictions that flatten_predictions has flattened."""
    t = seeded(2, 12, 4, 5, dtype=torch.float64).requires_grad_()
    return gradients_of(weighted_sum(solution.flatten_predictions(t, 3)), {"map": t})


def learnt(solution):
    """Which numbers of a head learn, without and with a prior."""
    heads = {"no prior": solution.AnchorHead(2, 3, 5), "prior 0.1": solution.AnchorHead(2, 3, 5, 0.1)}
    return {
        name: sorted(key for key, parameter in head.named_parameters() if parameter.requires_grad)
        for name, head in heads.items()
    }


# ---------------------------------------------------------------------------------------------------------- invariants

#: (B, A, K, H, W) of maps whose every number says where it stands.
CODED = {"a wide map": (2, 3, 4, 2, 5), "a tall map": (1, 2, 5, 4, 3), "as many anchors as values": (2, 3, 3, 3, 4)}


def coded_rows(solution):
    """Where flatten_predictions puts each number of a map in which no two numbers are the same."""
    answer = {}
    for name, (b, a, k, h, w) in CODED.items():
        t = torch.arange(b * a * k * h * w, dtype=torch.float64).reshape(b, a * k, h, w)
        answer[name] = solution.flatten_predictions(t, a)
    return answer


#: (feat_hw, stride) of maps whose anchors are measured.
MAPS = {"a 3x5 map, stride 6": ((3, 5), 6), "a 4x2 map, stride 7": ((4, 2), 7)}


def measured_anchors(solution):
    """The anchors of two maps, with the sizes and ratios they were asked for."""
    answer = {}
    for name, (feat_hw, stride) in MAPS.items():
        sizes, ratios = _sizes(3), _ratios(2)
        anchors = solution.grid_anchors(feat_hw, stride, sizes, ratios)
        answer[name] = {"sizes": sizes, "ratios": ratios, "anchors": anchors}
    return answer


#: (H, W), how far the pattern moves (down, right), stride, number of anchors of the shifted map.
SHIFT = {"hw": (7, 9), "by": (1, 2), "stride": 4, "anchors": 2}


def shifted_map(solution):
    """The rows and anchors of a map with a pattern in it, and of the same map with the pattern moved by some cells."""
    (h, w), (down, right) = SHIFT["hw"], SHIFT["by"]
    head = filled(solution.AnchorHead(4, SHIFT["anchors"], 3), torch.float64)
    pattern = seeded(4, 3, 4, mean=0.3, dtype=torch.float64)
    maps = torch.zeros(2, 4, h, w, dtype=torch.float64)
    maps[0, :, 2:5, 2:6] = pattern
    maps[1, :, 2 + down : 5 + down, 2 + right : 6 + right] = pattern
    with torch.no_grad():
        flat = [solution.flatten_predictions(out, SHIFT["anchors"]) for out in head(maps)]
    return {
        "logits": flat[0],
        "deltas": flat[1],
        "anchors": solution.grid_anchors((h, w), SHIFT["stride"], [9.0], [0.5, 1.5]),
    }


def untouched_inputs(solution):
    """Whether maps, sizes and ratios are still what they were after the three have looked at them."""
    f, t = seeded(2, 8, 4, 5), seeded(2, 12, 3, 4)
    f_before, t_before = f.clone(), t.clone()
    sizes, ratios = [9.0, 4.0, 7.0], [2.0, 0.5]
    with torch.no_grad():
        filled(solution.AnchorHead(8))(f)
        solution.flatten_predictions(t, 3)
    solution.grid_anchors((2, 3), 8, sizes, ratios)
    return {
        "the map of the head": torch.equal(f, f_before),
        "the map of flatten_predictions": t.shape == t_before.shape and torch.equal(t, t_before),
        "sizes and ratios": (sizes, ratios) == ([9.0, 4.0, 7.0], [2.0, 0.5]),
    }


# --------------------------------------------------------------------------------------------------------------- edges


def bad_heads(solution):
    """What is raised for heads whose arguments make no sense."""
    head = solution.AnchorHead
    return {
        "AnchorHead(0)": raised_by(lambda: head(0)),
        "AnchorHead(-1)": raised_by(lambda: head(-1)),
        "AnchorHead(8, num_anchors=0)": raised_by(lambda: head(8, num_anchors=0)),
        "AnchorHead(8, num_anchors=-3)": raised_by(lambda: head(8, num_anchors=-3)),
        "AnchorHead(8, num_classes=0)": raised_by(lambda: head(8, num_classes=0)),
        "AnchorHead(8, num_classes=-4)": raised_by(lambda: head(8, num_classes=-4)),
        "AnchorHead(8, -2, -2)": raised_by(lambda: head(8, -2, -2)),
        "AnchorHead(8, prior_prob=0.0)": raised_by(lambda: head(8, prior_prob=0.0)),
        "AnchorHead(8, prior_prob=1.0)": raised_by(lambda: head(8, prior_prob=1.0)),
        "AnchorHead(8, prior_prob=-0.2)": raised_by(lambda: head(8, prior_prob=-0.2)),
        "AnchorHead(8, prior_prob=1.5)": raised_by(lambda: head(8, prior_prob=1.5)),
    }


def bad_maps(solution):
    """What flatten_predictions raises for maps of 10 channels that cannot be shared out."""
    counts = (3, 4, 20, 0, -2, -5)
    return {
        f"10 channels and {count} anchors": raised_by(
            lambda a=count: solution.flatten_predictions(seeded(1, 10, 2, 3), a)
        )
        for count in counts
    }


def bad_grids(solution):
    """What is raised for grids that make no sense."""
    arguments = {
        "sizes []": ((2, 3), 8, [], [1.0]),
        "ratios []": ((2, 3), 8, [16.0], []),
        "sizes (), ratios ()": ((2, 3), 8, (), ()),
        "sizes [0.0]": ((2, 3), 8, [0.0], [1.0]),
        "sizes [16.0, -8.0]": ((2, 3), 8, [16.0, -8.0], [1.0]),
        "sizes [-8.0, 16.0]": ((2, 3), 8, [-8.0, 16.0], [1.0]),
        "ratios [0.0]": ((2, 3), 8, [16.0], [0.0]),
        "ratios [1.0, 0.0]": ((2, 3), 8, [16.0], [1.0, 0.0]),
        "ratios [-0.5, 1.0]": ((2, 3), 8, [16.0], [-0.5, 1.0]),
        "stride 0": ((2, 3), 0, [16.0], [1.0]),
        "stride -8": ((2, 3), -8, [16.0], [1.0]),
        "feat_hw (0, 3)": ((0, 3), 8, [16.0], [1.0]),
        "feat_hw (2, 0)": ((2, 0), 8, [16.0], [1.0]),
        "feat_hw (-2, 3)": ((-2, 3), 8, [16.0], [1.0]),
        "feat_hw (2, -3)": ((2, -3), 8, [16.0], [1.0]),
        "feat_hw (-2, -3)": ((-2, -3), 8, [16.0], [1.0]),
    }
    return {name: raised_by(lambda g=given: solution.grid_anchors(*g)) for name, given in arguments.items()}


def smallest_heads(solution):
    """What heads of one channel, one anchor and one class predict, also on a map of one cell, one row, one column."""
    heads = {"AnchorHead(1, 1, 1)": (1, 1, 1), "AnchorHead(2, 1, 3)": (2, 1, 3), "AnchorHead(3, 2, 1)": (3, 2, 1)}
    with torch.no_grad():
        return {
            f"{name} on a {h}x{w} map": list(
                filled(solution.AnchorHead(*arguments), torch.float64)(
                    seeded(2, arguments[0], h, w, dtype=torch.float64)
                )
            )
            for name, arguments in heads.items()
            for h, w in ((1, 1), (1, 4), (3, 1))
        }


def smallest_rows(solution):
    """The rows of maps of one cell, one row, one column, of one anchor, and of one value for each anchor."""
    maps = {
        "one cell": ((2, 6, 1, 1), 3),
        "one row": ((2, 6, 1, 4), 2),
        "one column": ((2, 6, 5, 1), 2),
        "one anchor": ((2, 4, 3, 2), 1),
        "one value each": ((2, 4, 3, 2), 4),
        "one of everything": ((1, 1, 1, 1), 1),
    }
    return {
        name: solution.flatten_predictions(seeded(*shape, dtype=torch.float64), a) for name, (shape, a) in maps.items()
    }


def smallest_grids(solution):
    """The anchors of a map of one cell, one row, one column, with stride 1, tiny sizes and extreme ratios."""
    return {
        "1x1 map, stride 1": solution.grid_anchors((1, 1), 1, [0.25], [1.0]),
        "1x1 map, stride 32": solution.grid_anchors((1, 1), 32, [48.0], [0.05, 12.0]),
        "1x4 map, stride 2": solution.grid_anchors((1, 4), 2, [0.5, 3.0], [1.0]),
        "3x1 map, stride 1": solution.grid_anchors((3, 1), 1, [1.0], [0.1, 1.0]),
    }


def nearly_bad_priors(solution):
    """The class biases of heads whose prior is only just between 0 and 1."""
    return [state_of(solution.AnchorHead(1, 1, 2, prior))["cls.bias"] for prior in (0.0001, 0.99)]


def single_map(solution):
    """What a head predicts for a batch of one, and the rows of it."""
    answer = {}
    for name in HEADS:
        with torch.no_grad():
            logits, deltas = _head(solution, name)(_map(name, batch=1, height=4, width=3))
        answer[name] = [logits, deltas, solution.flatten_predictions(deltas, deltas.shape[1] // 4)]
    return answer


# ------------------------------------------------------------------------------------------------------------- overfit

SCENES, STRIDE, CELLS, SIZES, STEPS = 50, 4, 6, (8.0, 12.0, 16.0), 120


class _Detector(nn.Module):
    """Three convolutions, which make a 6x6 map of a 24x24 picture, and the head in question."""

    def __init__(self, solution):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
        )
        self.head = solution.AnchorHead(32)  # three anchors; class 0 is the background, 1 to 3 are the shapes

    def forward(self, images):
        return self.head(self.backbone(images))


def _task(solution):
    """Return pictures, the class of every anchor in them, and the distance of its corners from its object's."""
    found = scenes(SCENES, seed=run_seed(), size=24, max_obj=3)
    anchors = solution.grid_anchors((CELLS, CELLS), STRIDE, SIZES, (1.0,))  # (R, 4)
    classes, deltas = [], []
    for scene in found:
        offsets = scene.boxes[:, None] - anchors  # (N, R, 4)
        gaps = offsets.abs().amax(-1)  # (N, R), the distance of the worst corner
        # An anchor is for its nearest object, the first of equally near ones, if no other anchor is nearer to that.
        whose = (gaps + 0.1 * torch.arange(len(gaps))[:, None]).argmin(0)  # (R,)
        wanted = gaps < gaps.amin(1, keepdim=True) + 0.5  # (N, R)
        mine = wanted.gather(0, whose[None])[0]  # (R,)
        classes.append(torch.where(mine, scene.labels[whose] + 1, 0))  # (R,)
        deltas.append(offsets[whose, torch.arange(len(whose))] / STRIDE)  # (R, 4)
    return found, anchors, torch.stack(classes), torch.stack(deltas)


def _loss(solution, outputs, classes, deltas):
    logits, moves = (solution.flatten_predictions(out, len(SIZES)) for out in outputs)  # (B, R, 4), (B, R, 4)
    positive = classes > 0  # (B, R)
    weights = torch.tensor([1.0, 4.0, 4.0, 4.0])  # objects are few
    named = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), weight=weights)
    return named + F.smooth_l1_loss(moves[positive], deltas[positive], beta=1 / 9)


def overfit(solution):
    """The loss of a small detector while it learns 50 pictures by heart, and the weights it ends with."""
    found, _, classes, deltas = _task(solution)
    images = torch.stack([scene.image for scene in found])
    net = begun(_Detector(solution).train(), gain=2**0.5)
    losses = train(net, lambda step: _loss(solution, net(images), classes, deltas), steps=STEPS, lr=1e-2, clip=1.0)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def detector_with_weights(solution, weights):
    """The loss on the same 50 pictures of a detector that has these weights, and how many objects it finds."""
    found, anchors, classes, deltas = _task(solution)
    images = torch.stack([scene.image for scene in found])
    net = _Detector(solution).train()
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        outputs = net(images)
        logits, moves = (solution.flatten_predictions(out, len(SIZES)) for out in outputs)
        boxes = anchors + moves * STRIDE  # (B, R, 4)
        guesses = logits.argmax(-1)  # (B, R)
        hits = [
            bool(((boxes[i] - box).abs().amax(-1).lt(1.5) & (guesses[i] == label + 1)).any())
            for i, scene in enumerate(found)
            for box, label in zip(scene.boxes, scene.labels, strict=True)
        ]
        loss = _loss(solution, outputs, classes, deltas)
    return {"fits": True, "loss": float(loss), "found": sum(hits) / len(hits)}


# ----------------------------------------------------------------------------------------------------------- resources


def sizes(solution):
    """How many numbers heads learn."""
    return {
        name: sum(parameter.numel() for parameter in solution.AnchorHead(*arguments).parameters())
        for name, arguments in HEADS.items()
    }


def traces(solution):
    """What predicting, flattening and making a grid change: global random state, gradient mode, names of the head."""
    name = "AnchorHead(5, 2, 7)"
    head = _head(solution, name, torch.float32)
    before = sorted(layout_of(head))

    def work():
        for mode in (True, False):
            logits, deltas = head.train(mode)(_map(name, torch.float32))
            solution.flatten_predictions(logits, 2), solution.flatten_predictions(deltas, 2)
        solution.grid_anchors((3, 2), 8, [8.0], [1.0, 2.0])

    changed = traces_of(work)
    seeded_anew = seeds_anew(lambda: solution.AnchorHead(5, 2, 7))
    return {
        "changed": changed,
        "seeds the global generator": seeded_anew,
        "same names": before == sorted(layout_of(head)),
    }


# ------------------------------------------------------------------------------------------------------------- pictures


def anchors_and_objects(solution):
    """The most varied of 50 pictures, its objects, all anchors, and the class of each: 0 where it has no object."""
    found, anchors, classes, _ = _task(solution)
    varied = max(range(SCENES), key=lambda i: len(set(found[i].labels.tolist())))
    scene = found[varied]
    return {
        "image": scene.image,
        "boxes": scene.boxes,
        "labels": scene.labels,
        "anchors": anchors,
        "classes": classes[varied],
    }


def found_by_heart(solution):
    """Four of 50 pictures, their objects, and the boxes that a detector trained on all 50 finds in them."""
    weights = overfit(solution)["weights"]
    found, anchors, _, _ = _task(solution)
    some = sorted(range(SCENES), key=lambda i: -len(found[i].boxes))[:4]
    net = _Detector(solution).train()
    net.load_state_dict(weights)
    with torch.no_grad():
        outputs = net(torch.stack([found[i].image for i in some]))
        logits, moves = (solution.flatten_predictions(out, len(SIZES)) for out in outputs)  # (4, R, 4), (4, R, 4)
    boxes, guesses = anchors + moves * STRIDE, logits.argmax(-1)  # (4, R, 4), (4, R)
    return [
        {
            "image": found[i].image,
            "boxes": found[i].boxes,
            "labels": found[i].labels,
            "found boxes": boxes[row][guesses[row] > 0],
            "found labels": guesses[row][guesses[row] > 0] - 1,
        }
        for row, i in enumerate(some)
    ]
