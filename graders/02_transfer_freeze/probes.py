"""Questions about freezing and fine-tuning. Every question gets a new model; sizes are unequal on purpose."""

from __future__ import annotations

from collections import Counter

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import nn

from cvlab.probing import (
    activation_statistics,
    begun,
    filled,
    gradients_of,
    integers,
    progress,
    raised_by,
    run_seed,
    scenes,
    seeded,
    stacked,
    state_of,
    tiny_backbone,
    traces_of,
    weighted_sum,
)

CLASSES = 5


class _Net(nn.Module):
    """A network whose names get in each other's way, with a parameter that belongs to no layer."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(3, 1, 1))
        self.layer1 = _stage(3, 4)
        self.layer2 = _stage(4, 6)
        self.layer4 = nn.Sequential(_stage(6, 5), nn.Sequential(nn.Conv2d(5, 7, 1, bias=False), nn.BatchNorm2d(7)))
        self.layer10 = _stage(7, 6)
        self.layer1x0 = nn.Conv2d(6, 4, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, CLASSES)

    def forward(self, x):
        x = self.layer2(self.layer1(x + self.token))
        x = self.layer1x0(self.layer10(self.layer4(x)))
        return self.fc(self.pool(x).flatten(1))


def _stage(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def _net(dtype=torch.float64):
    return filled(_Net(), dtype)


def _batch(dtype=torch.float64, batch=7, height=6, width=9):
    return seeded(batch, 3, height, width, mean=0.3, dtype=dtype), integers(batch, high=CLASSES)


def _frozen(module, *, but=()):
    """The module with every parameter frozen but those of these names."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad = name in but
    return module


def _trainable(model):
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def _modes(model):
    return {name or "the model": module.training for name, module in model.named_modules()}


# ------------------------------------------------------------------------------------------------- freeze and unfreeze


def frozen_flags(solution):
    """Which parameters can be trained after freeze_all."""
    answer = {}
    for title, model in {
        "TinyBackbone": tiny_backbone(),
        "a model with a parameter of its own": _Net(),
        "a model that is frozen in part": _frozen(_Net(), but=("token", "layer2.0.weight", "fc.bias")),
    }.items():
        solution.freeze_all(model)
        answer[title] = {"trainable": _trainable(model), "modes": _modes(model)}
    return answer


def unfrozen_stage(solution):
    """What unfreeze returns for layer4 and then for fc of a frozen TinyBackbone, and what can be trained then."""
    model = _frozen(tiny_backbone())
    names = {"layer4": solution.unfreeze(model, "layer4")}
    flags = {"layer4": _trainable(model)}
    names["then fc"] = solution.unfreeze(model, "fc")
    flags["then fc"] = _trainable(model)
    return {"names": names, "trainable": flags}


#: Prefixes of one part and of several, down to a whole name; some begin like other names do.
PREFIXES = ("layer1", "layer10", "layer1x0", "layer1.0", "layer4", "layer4.1", "layer4.1.1", "token", "fc.bias", "fc")


def unfrozen_by_prefix(solution):
    """What unfreeze returns for prefixes of one part and of several, and what can be trained then."""
    answer = {}
    for prefix in PREFIXES:
        model = _frozen(_Net())
        names = solution.unfreeze(model, prefix)
        answer[prefix] = {"names": names, "trainable": _trainable(model)}
    return answer


def unfrozen_again(solution):
    """What unfreeze returns when it is asked again and again, and where parameters could be trained before."""
    model = _frozen(_Net(), but=("token", "layer2.1.bias"))
    prefixes = ("layer10", "layer4.0", "layer4.0", "layer4", "layer2", "fc.weight", "fc.weight")
    calls = [[prefix, solution.unfreeze(model, prefix)] for prefix in prefixes]
    everything = _Net()
    return {
        "calls": calls,
        "trainable": _trainable(model),
        "nothing was frozen": [solution.unfreeze(everything, "layer2"), _trainable(everything)],
        "other names": [
            solution.unfreeze(_frozen(_named_otherwise()), prefix) for prefix in ("trunk", "trunk.bn", "head")
        ],
    }


def _named_otherwise():
    return nn.ModuleDict(
        {"trunk": nn.ModuleDict({"conv": nn.Conv2d(3, 4, 1), "bn": nn.BatchNorm2d(4)}), "head": nn.Linear(4, 2)}
    )


def refused_prefixes(solution):
    """What unfreeze raises for prefixes that no parameter's name begins with."""
    none = ("", "layer1.", "fc.", "fc.bias.", "layer", "layer3", "layer100", "layer1.3", "ayer1", "Layer1", ".fc", "c")
    none += ("weight", "0", "pool", "layer1.2", "layer1x1", "layer1.0.weights", "layer1 ", "fc.bias.0")
    return {f'unfreeze(model, "{prefix}")': raised_by(lambda: solution.unfreeze(_Net(), prefix)) for prefix in none}  # noqa: B023 - called at once


def gradients_after_unfreezing(solution):
    """Which gradients arrive, at the image too, when all is frozen but what unfreeze was asked for."""
    answer = {}
    for prefixes in ((), ("fc",), ("layer4.1", "fc"), ("layer1",), ("token", "layer10.1.bias")):
        model = _net().eval()
        solution.freeze_all(model)
        for prefix in prefixes:
            solution.unfreeze(model, prefix)
        x = _batch()[0].requires_grad_()
        answer[" and ".join(prefixes) or "nothing"] = gradients_of(
            weighted_sum(model(x)), {"input": x, **dict(model.named_parameters())}
        )
    return answer


# -------------------------------------------------------------------------------------------------------------- heads


class _Other(nn.Module):
    """A network that calls its head otherwise, and has an fc that is none."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 8, bias=False)
        self.classifier = nn.Linear(8, 3)
        self.several = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 3))
        self.maps = nn.Conv2d(8, 3, 1)
        self.number = 3
        self.nothing = None

    def forward(self, x):
        return self.classifier(self.fc(x).relu())


def _about(model, attr, returned):
    head = getattr(model, attr, None)
    if not isinstance(head, nn.Linear):
        return {"a linear layer": False}
    return {
        "a linear layer": True,
        "the one returned": returned is head,
        "in_features": head.in_features,
        "out_features": head.out_features,
        "weight": list(head.weight.shape),
        "bias": None if head.bias is None else list(head.bias.shape),
        "trainable": _trainable(head),
    }


def new_heads(solution):
    """The sizes of new heads, whether they have a bias and can be trained, and whether they are in the model."""
    answer = {}
    model = tiny_backbone()
    answer["TinyBackbone, 7 classes"] = _about(model, "fc", solution.replace_head(model, 7))
    model = _frozen(tiny_backbone())
    answer["a frozen TinyBackbone, 4 classes"] = _about(model, "fc", solution.replace_head(model, num_classes=4))
    return answer


def heads_of_other_models(solution):
    """The sizes of new heads of other names, in place of heads without a bias, and of a single class."""
    answer = {}
    model = _Other()
    answer["classifier"] = _about(model, "classifier", solution.replace_head(model, 5, "classifier"))
    answer["classifier, by keyword"] = _about(model, "classifier", solution.replace_head(model, 2, attr="classifier"))
    answer["the layer of that model that is called fc"] = _about(model, "fc", model.fc)
    model = _Other()
    answer["no bias before"] = _about(model, "fc", solution.replace_head(model, 4))
    model = _frozen(_Net(), but=("fc.bias",))
    answer["one class"] = _about(model, "fc", solution.replace_head(model, 1))
    return answer


def kinds_of_heads(solution):
    """The dtype and device of new heads, of models in several dtypes and of one without memory (device meta)."""
    answer = {}
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        head = solution.replace_head(_Net().to(dtype), 3)
        answer[str(dtype)] = {name: [str(value.dtype), str(value.device)] for name, value in head.named_parameters()}
    head = solution.replace_head(_Net().to("meta"), 3)
    answer["meta"] = {name: [str(value.dtype), str(value.device)] for name, value in head.named_parameters()}
    return answer


def replaced_by_as_many(solution):
    """Whether a head for as many classes is another layer with other weights, and what else of the model changed."""
    model = _frozen(filled(tiny_backbone()), but=("layer2.0.weight", "fc.bias"))
    old, before, flags = model.fc, state_of(model), _trainable(model)
    kept = state_of(old)
    solution.replace_head(model, 3)
    after = state_of(model)
    rest = [name for name in before if not name.startswith("fc.")]
    return {
        "another layer": model.fc is not old,
        "other weights": not torch.equal(after["fc.weight"], before["fc.weight"]),
        "the old layer is as it was": all(torch.equal(value, kept[name]) for name, value in state_of(old).items()),
        "the rest of the weights": sorted(name for name in rest if not torch.equal(before[name], after[name])),
        "the rest that can be trained": {name: flag for name, flag in _trainable(model).items() if name in rest},
        "flags before": {name: flag for name, flag in flags.items() if name in rest},
    }


def logits_of_a_new_head(solution):
    """The logits of a model with a new head, once its weights are known ones, and the gradients of that head."""
    model = _net().eval()
    solution.replace_head(model, 3)
    logits = filled(model, torch.float64)(_batch()[0])
    return {"logits": logits, "gradients": gradients_of(weighted_sum(logits), dict(model.fc.named_parameters()))}


def refused_heads(solution):
    """What replace_head raises for attributes that are no linear layer, and for less than one class."""

    def asked(*arguments):
        return raised_by(lambda: solution.replace_head(_Other(), *arguments))

    return {
        "an attribute that is missing": asked(3, "head"),
        "a Sequential": asked(3, "several"),
        "a convolution": asked(3, "maps"),
        "a number": asked(3, "number"),
        "None": asked(3, "nothing"),
        "no class": asked(0),
        "no class, another attribute": asked(0, "classifier"),
        "-1 classes": asked(-1),
        "fc is a pool": raised_by(lambda: solution.replace_head(nn.ModuleDict({"fc": nn.AdaptiveAvgPool2d(1)}), 3)),
    }


# -------------------------------------------------------------------------------------------------------------- modes


def modes_of_stages(solution):
    """Which BatchNorms of a TinyBackbone are in train mode when some of its stages are frozen, one after the other."""
    model = tiny_backbone().eval()
    norms = [name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    answer = {}
    for title, learning in {
        "only fc learns": ["fc"],
        "layer4 and fc learn": ["layer4", "fc"],
        "everything learns": ["stem", "layer1", "layer2", "layer3", "layer4", "fc"],
        "layer2 learns": ["layer2"],
        "nothing learns": [],
    }.items():
        _frozen(model)
        for stage in learning:
            for parameter in getattr(model, stage).parameters():
                parameter.requires_grad = True
        solution.set_train_mode(model)
        answer[title] = {"the model": model.training, **{name: model.get_submodule(name).training for name in norms}}
    return answer


def _norm(cls=nn.BatchNorm2d, width=4, *, weight=True, bias=True):
    """A BatchNorm of which weight and bias can be trained, or not."""
    norm = cls(width)
    norm.weight.requires_grad, norm.bias.requires_grad = weight, bias
    return norm


def modes_of_parts(solution):
    """Which BatchNorms are in train mode when weight, bias or both of them are frozen, and the layers around not."""
    learning, still = nn.Linear(3, 4), _frozen(nn.Linear(3, 4))
    cases = {
        "weight and bias learn, the layer before is frozen": (still, _norm(nn.BatchNorm1d)),
        "only the weight learns": (still, _norm(nn.BatchNorm1d, bias=False)),
        "only the bias learns": (still, _norm(nn.BatchNorm1d, weight=False)),
        "both are frozen, the layer before learns": (learning, _norm(nn.BatchNorm1d, weight=False, bias=False)),
    }
    return {title: _mode_of_the_norm(solution, nn.Sequential(*layers)) for title, layers in cases.items()}


def modes_of_kinds(solution):
    """Which BatchNorms of one, two and three dimensions are in train mode, frozen and not."""
    answer = {}
    for cls in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
        for learns in (True, False):
            norm = _norm(cls, weight=learns, bias=learns)
            model = nn.Sequential(nn.Sequential(norm, nn.Identity()), nn.Linear(4, 2))
            title = f"{cls.__name__} that {'learns' if learns else 'is frozen'}"
            answer[title] = _mode_of_the_norm(solution, model)
    return answer


def _mode_of_the_norm(solution, model):
    """Whether the only BatchNorm of a model is in train mode after set_train_mode, from eval and from train mode."""
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    norm = next(module for module in model.modules() if isinstance(module, norms))
    answer = []
    for before in (False, True):
        model.train(before)
        solution.set_train_mode(model)
        answer.append(norm.training)
    return answer


class _Scaled(nn.Module):
    """A parameter of its own, a BatchNorm that has none, and a layer beside it."""

    def __init__(self, *, scale, layer):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4), requires_grad=scale)
        self.norm = _bare()
        self.layer = nn.Linear(4, 4) if layer else _frozen(nn.Linear(4, 4))


def _bare():
    return nn.BatchNorm1d(4, affine=False)


def modes_of_bare_norms(solution):
    """Which BatchNorms without weight and bias (affine=False) are in train mode, by what is frozen around them."""

    def layer():
        return nn.Linear(4, 4)

    def still():
        return _frozen(nn.Linear(4, 4))

    inside = nn.Sequential
    cases = {
        "in a frozen stage, the model learns": inside(inside(still(), _bare()), layer()),
        "in a stage that learns, all else is frozen": inside(inside(layer(), _bare()), still()),
        "in a stage of which one layer learns": inside(inside(still(), _bare(), layer()), still()),
        "in a stage whose weight is frozen and whose bias learns": inside(
            inside(_frozen(nn.Linear(4, 4), but=("bias",)), _bare()), still()
        ),
        "in a stage without parameters in a frozen one": inside(inside(still(), inside(_bare(), nn.ReLU())), layer()),
        "in a bare stage in one that learns": inside(inside(layer(), inside(_bare(), nn.ReLU())), still()),
        "in two stages without parameters in a frozen one": inside(inside(inside(inside(_bare())), still()), layer()),
        "in a frozen stage in one that learns": inside(inside(inside(_bare(), still()), layer()), still()),
        "in a stage that learns in one with frozen layers": inside(inside(still(), inside(_bare(), layer())), still()),
        "a layer that learns deep inside the same stage": inside(inside(_bare(), inside(inside(layer()))), still()),
        "a frozen layer deep inside the same stage": inside(inside(_bare(), inside(inside(still()))), layer()),
        "beside a model that learns": inside(_bare(), layer()),
        "beside a model that is frozen": inside(_bare(), still()),
        "in a stage with a parameter of its own, all frozen": inside(_Scaled(scale=False, layer=False), layer()),
        "in a stage with a parameter of its own that learns": inside(_Scaled(scale=True, layer=False), still()),
        "in a stage with a frozen parameter, a layer learns": inside(_Scaled(scale=False, layer=True), still()),
        "no parameter anywhere": inside(inside(_bare(), nn.ReLU()), nn.Flatten()),
        "the model itself": _bare(),
    }
    return {title: _mode_of_the_norm(solution, model) for title, model in cases.items()}


def modes_of_other_layers(solution):
    """Whether Dropouts, other norms and the model are in train mode, frozen or not, and whether all else stayed."""
    answer = {}
    for title, model in {
        "no BatchNorm": nn.Sequential(_frozen(nn.Linear(3, 4)), nn.Dropout(0.5), nn.Linear(4, 2)),
        "no BatchNorm, all frozen": _frozen(nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Dropout(0.5)))),
        "a frozen stage": nn.Sequential(
            _frozen(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))), nn.Linear(4, 2)
        ),
        "no parameters": nn.Sequential(nn.Dropout(0.5), nn.ReLU()),
        "frozen norms of other kinds": _frozen(
            nn.Sequential(nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.InstanceNorm1d(4))
        ),
        "half of a BatchNorm is frozen": nn.Sequential(_norm(nn.BatchNorm1d, bias=False), nn.Dropout(0.5)),
        "a frozen BatchNorm": nn.Sequential(_norm(nn.BatchNorm1d, weight=False, bias=False), nn.Dropout(0.5)),
    }.items():
        model.eval()
        flags, settings = _trainable(model), _settings(model)
        solution.set_train_mode(model)
        others = [module.training for module in model.modules() if isinstance(module, OTHER_LAYERS)]
        answer[title] = {
            "model and other layers": [model.training, *others],
            "flags kept": _trainable(model) == flags,
            "settings kept": _settings(model) == settings,
        }
    return answer


OTHER_LAYERS = (nn.Dropout, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d)


def _settings(model):
    """How the BatchNorms of a model work, their mode aside."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    return [(norm.momentum, norm.eps, norm.affine, norm.track_running_stats) for norm in norms]


# ---------------------------------------------------------------------------------------------------------- optimizers


def _contents(model, optimizer):
    """What an optimizer owns and how it treats it, however it arranges its groups."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    owned = [
        (names.get(id(parameter), "a tensor that is not the model's"), group, parameter)
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    return {
        "an AdamW": isinstance(optimizer, torch.optim.AdamW),
        "how often it owns each": dict(Counter(name for name, _, _ in owned)),
        "learning rates": {name: float(group["lr"]) for name, group, _ in owned},
        "weight decay of kernels and matrices": {
            name: float(group["weight_decay"]) for name, group, parameter in owned if parameter.dim() > 1
        },
    }


class _Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.other.weight = self.one.weight


def _halves():
    """A TinyBackbone of which every second parameter is frozen, another half than in layers."""
    names = [name for name, _ in tiny_backbone().named_parameters()]
    return _frozen(tiny_backbone(), but=names[1::2])


def what_optimizers_own(solution):
    """Which parameters an optimizer owns, of models that are frozen in part, in one half, not at all; one ties two."""
    models = {
        "fc and layer4.1 learn": _frozen(
            tiny_backbone(), but=("fc.weight", "fc.bias", "layer4.1.weight", "layer4.1.bias")
        ),
        "every second parameter learns": _halves(),
        "everything learns": tiny_backbone(),
        "one parameter learns": _frozen(_Net(), but=("token",)),
        "two layers share a weight": _Tied(),
    }
    return {title: _contents(model, solution.make_optimizer(model, 0.03)) for title, model in models.items()}


def settings_of_optimizers(solution):
    """The learning rates and weight decays of optimizers."""
    model = _halves()
    plain = _contents(model, solution.make_optimizer(model, 0.02))
    decayed = _contents(model, solution.make_optimizer(model, lr=3e-4, weight_decay=0.07))
    positional = _contents(model, solution.make_optimizer(model, 0.5, 0.3))
    return {"lr=0.02": plain, "lr=3e-4, weight_decay=0.07": decayed, "0.5, 0.3": positional}


def steps_of_an_optimizer(solution):
    """The weights of a model after four steps of an optimizer without weight decay, in float64."""
    model = _frozen(_net(), but=("layer4.0.0.weight", "layer4.1.1.bias", "fc.weight", "fc.bias")).eval()
    x, y = _batch()
    optimizer = solution.make_optimizer(model, 0.03)
    for _ in range(4):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return state_of(model)


def nothing_to_optimise(solution):
    """What make_optimizer raises for models without a trainable parameter, and for those with a single one."""
    return {
        "all is frozen": raised_by(lambda: solution.make_optimizer(_frozen(_Net()), 0.1)),
        "all is frozen, with weight decay": raised_by(lambda: solution.make_optimizer(_frozen(_Net()), 0.1, 0.2)),
        "no parameters": raised_by(lambda: solution.make_optimizer(nn.Sequential(nn.ReLU(), nn.Flatten()), 0.1)),
        "one learns": raised_by(lambda: solution.make_optimizer(_frozen(_Net(), but=("fc.bias",)), 0.1)),
    }


def after_some_steps(solution):
    """Which weights and statistics three steps change when layer4 and fc learn and nothing else does."""
    model = filled(tiny_backbone())
    solution.freeze_all(model)
    solution.unfreeze(model, "fc")
    solution.unfreeze(model, "layer4")
    solution.set_train_mode(model)
    optimizer = solution.make_optimizer(model, lr=0.05, weight_decay=0.1)
    before = state_of(model)
    x, y = seeded(6, 3, 10, 8, mean=0.4), integers(6, high=3)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    after = state_of(model)
    return {name: not torch.equal(before[name], after[name]) for name in before}


# -------------------------------------------------------------------------------------------------------------- curves


def first_losses(solution):
    """The curves of compare_unfreezing for a single step."""
    x, y = _batch()
    return solution.compare_unfreezing(_net(), x, y, steps=1)


def curves(solution):
    """The curves of compare_unfreezing in float64: 20 steps by default, and fewer with another stage and rate."""
    x, y = _batch()
    offset = _net()
    with torch.no_grad():
        offset.fc.bias += 3e4  # changes no loss, and is more than float32 can hold beside it
    return {
        "by default": solution.compare_unfreezing(_net(), x, y),
        "with large logits": solution.compare_unfreezing(offset, x, y, steps=4),
        "layer1": solution.compare_unfreezing(_net(), x, y, stage="layer1", steps=9, lr=0.03),
        "layer4.1": solution.compare_unfreezing(_net(), x, y, stage="layer4.1", steps=6),
    }


def curves_in_float32(solution):
    """The curves of three steps of a TinyBackbone in float32."""
    x, y = seeded(6, 3, 10, 8, mean=0.4), integers(6, high=3)
    return solution.compare_unfreezing(filled(tiny_backbone()), x, y, steps=3)


def curves_without_batchnorm(solution):
    """The curves of a model without any BatchNorm, and of a single image."""
    layers = {"flat": nn.Flatten(), "layer4": nn.Linear(12, 9), "act": nn.Tanh(), "fc": nn.Linear(9, 4)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    x, y = seeded(5, 3, 4, dtype=torch.float64), integers(5, high=4)
    one, label = _batch(batch=1)
    return {
        "no BatchNorm": solution.compare_unfreezing(filled(model, torch.float64), x, y, steps=5),
        "one image": solution.compare_unfreezing(_net(), one, label, steps=5),
    }


def curves_of_models_in_use(solution):
    """The curves of models that come frozen, in part or in whole, in eval mode, or with gradients of a step before."""
    x, y = _batch()
    part = _frozen(_net(), but=("layer2.0.weight", "layer4.0.1.bias"))
    used = _net().train()
    F.cross_entropy(used(x), y).backward()
    filled(used, torch.float64)  # that pass moved its running statistics
    dozing = _net().train()
    dozing.layer2.eval()
    generator = torch.Generator().manual_seed(11)
    models = {
        "all frozen": _frozen(_net()),
        "in part": part,
        "in eval mode": _net().eval(),
        "used": used,
        "mixed": dozing,
    }
    answer = {title: solution.compare_unfreezing(model, x, y, steps=5) for title, model in models.items()}
    answer["with a generator"] = solution.compare_unfreezing(_net(), x, y, steps=5, generator=generator)
    return answer


def compared_model_afterwards(solution):
    """What compare_unfreezing changed of the model, the images and the labels it was handed."""
    x, y = _batch()
    model = _frozen(_net(), but=("layer2.0.weight", "layer4.1.0.weight", "fc.bias")).train()
    F.cross_entropy(model(x), y).backward()
    model.layer1.eval()
    before, modes, flags = state_of(model), _modes(model), _trainable(model)
    grads = {name: None if value.grad is None else value.grad.clone() for name, value in model.named_parameters()}
    images, labels, identities = x.clone(), y.clone(), [id(parameter) for parameter in model.parameters()]
    solution.compare_unfreezing(model, x, y, steps=3, lr=0.1)
    after = state_of(model)
    return {
        "weights and memory": sorted(name for name in before if not torch.equal(before[name], after[name])),
        "modes": modes == _modes(model),
        "what can be trained": flags == _trainable(model),
        "gradients": sorted(name for name, value in model.named_parameters() if not _same(value.grad, grads[name])),
        "parameters": identities == [id(parameter) for parameter in model.parameters()],
        "images and labels": [torch.equal(x, images), torch.equal(y, labels)],
        "hooks": sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()),
    }


def _same(one, other):
    return one is other if one is None or other is None else torch.equal(one, other)


def _foggy(seed):
    """Fifty scenes of which fog took half of the contrast, and their labels."""
    images, labels = stacked(scenes(50, seed=seed, size=16))  # (50, 3, 16, 16), (50,)
    return images * 0.5 + 0.25, labels


def twenty_steps_in_fog(solution):
    """The curves of a pretrained TinyBackbone on 50 foggy images, with all settings at their defaults."""
    return solution.compare_unfreezing(tiny_backbone(), *_foggy(run_seed()))


# ------------------------------------------------------------------------------------------------------------- overfit

STEPS = 40


def curves_in_fog(solution):
    """The curves of a pretrained TinyBackbone while it learns 50 foggy images in 40 steps."""
    return solution.compare_unfreezing(tiny_backbone(), *_foggy(run_seed()), steps=STEPS)


def fine_tuned(solution):
    """The losses of a pretrained TinyBackbone while a new head and layer4 learn, and the weights it ends with."""
    images, labels = _foggy(run_seed())
    model = _prepared(solution)
    optimizer = solution.make_optimizer(model, lr=1e-2)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        progress.report(step + 1, STEPS, losses[-1])
    return {
        "losses": losses,
        "weights": state_of(model),
        "activations": activation_statistics(model, lambda: model(images)),
    }


def _prepared(solution):
    model = tiny_backbone()
    solution.freeze_all(model)
    solution.replace_head(model, 3)
    begun(model.fc)
    solution.unfreeze(model, "layer4")
    solution.set_train_mode(model)
    return model


def loss_with_weights(solution, weights):
    """The loss on the same images of a model prepared in the same way that has these weights."""
    images, labels = _foggy(run_seed())
    model = _prepared(solution)
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        logits = model(images)
    return {
        "fits": True,
        "loss": float(F.cross_entropy(logits, labels)),
        "right": int((logits.argmax(1) == labels).sum()),
    }


# ----------------------------------------------------------------------------------------------------------- resources


def traces(solution):
    """Which global state your functions change: random state, grad mode, default dtype."""
    x, y = _batch(torch.float32)
    model = _Net()
    generator = torch.Generator().manual_seed(5)
    calls = {
        "freeze_all": lambda: solution.freeze_all(model),
        "unfreeze": lambda: solution.unfreeze(model, "layer4"),
        "set_train_mode": lambda: solution.set_train_mode(model),
        "make_optimizer": lambda: solution.make_optimizer(model, 0.1),
        "compare_unfreezing, with a generator": lambda: solution.compare_unfreezing(
            model, x, y, steps=2, generator=generator
        ),
    }
    found = {name: traces_of(call) for name, call in calls.items()}
    changed = traces_of(lambda: solution.replace_head(model, 4))
    # A new layer is drawn at random, from wherever its author likes.
    found["replace_head"] = [name for name in changed if "random" not in name]
    return found
