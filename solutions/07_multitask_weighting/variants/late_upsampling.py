"""The head's last layer before its upsampling (both are linear, so they may change places), and a nanmean."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TwoHeadNet(nn.Module):
    """Heads as methods; the depth map is upsampled when it has only one channel left, which is cheaper."""

    def __init__(self, num_classes: int = 3, width: int = 8):
        super().__init__()

        def block(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())

        self.backbone = nn.Sequential(block(3, width), nn.MaxPool2d(2), block(width, 2 * width))
        self.cls_head = nn.Linear(2 * width, num_classes)
        self.depth_head = nn.Sequential(
            block(2 * width, 2 * width), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2 * width, 1, 1)
        )

    def cls(self, features: Tensor) -> Tensor:
        return self.cls_head(features.flatten(2).mean(-1))

    def depth(self, features: Tensor) -> Tensor:
        refine, enlarge, predict = self.depth_head
        return enlarge(predict(refine(features)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if (torch.tensor(x.shape[-2:]) % 2).any():
            raise ValueError("odd size")
        features = self.backbone(x)
        return {task: getattr(self, task)(features) for task in ("cls", "depth")}


LOSSES = {
    "cls": lambda out, target: F.nll_loss(F.log_softmax(out, 1), target),
    "depth": lambda out, target: (
        torch.where(target > 0, (out - target).abs(), torch.nan).nanmean() if (target > 0).any() else 0 * out.mean()
    ),
}


def multitask_loss(out, target, weights):
    tasks = sorted(out)
    if tasks != sorted(target) or tasks != sorted(weights):
        raise KeyError(tasks)
    if sorted(weights.values())[0] < 0:
        raise ValueError(weights)
    if out["depth"].shape != target["depth"].shape:
        raise ValueError("broadcasting is not wanted here")
    losses = {task: LOSSES[task](out[task], target[task]) for task in tasks}
    total = torch.zeros_like(losses["cls"])
    for task in tasks:
        total += weights[task] * losses[task]
    return total, {**{task: losses[task].detach().item() for task in tasks}, "total": total.detach().item()}


def gradient_share(losses, shared):
    def norm(loss):
        grads = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
        return torch.nn.utils.get_total_norm([g for g in grads if g is not None], foreach=False).item()

    norms = {task: norm(loss) for task, loss in losses.items()}
    total = max(sum(norms.values()), 1e-12)
    return {task: norms[task] / total for task in losses}
