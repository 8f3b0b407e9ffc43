"""Ready-made parts wherever there are any: torchvision's block, PyTorch's own total norm, weights as a vector."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector
from torchvision.ops import Conv2dNormActivation

TASKS = ("cls", "depth")


class TaskError(KeyError):
    pass


class BadShape(ValueError):
    pass


class TwoHeadNet(nn.Module):
    def __init__(self, num_classes=3, width=8):
        super().__init__()
        deep = width * 2
        self.backbone = nn.Sequential(
            Conv2dNormActivation(3, width), nn.MaxPool2d(2), Conv2dNormActivation(width, deep)
        )
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())
        self.cls_head = nn.Linear(deep, num_classes)
        self.depth_head = nn.Sequential(
            Conv2dNormActivation(deep, deep), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(deep, 1, (1, 1))
        )
        nn.init.zeros_(self.depth_head[-1].bias)
        nn.init.kaiming_normal_(self.depth_head[-1].weight)

    def forward(self, x):
        b, c, h, w = x.shape
        if h & 1 or w & 1:
            raise BadShape(f"{h}x{w} has an odd side")
        x = self.backbone(x)
        heads = {"depth": self.depth_head, "cls": nn.Sequential(self.pool, self.cls_head)}
        return {task: head(x) for task, head in heads.items()}


class Criterion(nn.Module):
    def __init__(self):
        super().__init__()
        self.cls = nn.CrossEntropyLoss()
        self.depth = nn.L1Loss(reduction="sum")

    def forward(self, out, target):
        known = target["depth"].gt(0)
        pixels = max(1, int(known.sum()))
        return torch.stack(
            [
                self.cls(out["cls"], target["cls"]),
                self.depth(out["depth"].masked_select(known), target["depth"].masked_select(known)) / pixels,
            ]
        )


def multitask_loss(out, target, weights):
    for task in {*out, *target, *weights}:
        if task not in out or task not in target or task not in weights:
            raise TaskError(task)
    for task, weight in weights.items():
        if weight < 0:
            raise ValueError(f"{task} has weight {weight}")
    if out["depth"].shape != target["depth"].shape:
        raise BadShape("depth")
    losses = Criterion()(out, target)
    factors = losses.new_tensor([weights[task] for task in TASKS])
    total = factors @ losses
    return total, dict(zip((*TASKS, "total"), [*losses.tolist(), total.item()]))


def gradient_share(losses, shared):
    lengths = []
    for loss in losses.values():
        gradients = torch.autograd.grad(
            loss, tuple(shared), retain_graph=True, create_graph=False, allow_unused=True, materialize_grads=True
        )
        lengths.append(torch.linalg.vector_norm(parameters_to_vector(gradients)))
    lengths = torch.stack(lengths)
    shares = torch.where(lengths.sum() > 0, lengths / lengths.sum(), torch.zeros_like(lengths))
    return dict(zip(losses, shares.tolist()))
