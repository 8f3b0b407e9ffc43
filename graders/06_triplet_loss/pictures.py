"""What to see of a triplet loss: how it moves 50 images, and what that does to the triplets among them."""

from __future__ import annotations

import probes
import torch

from cvlab.show.figures import picture

SHAPES = (("disc", "tab:blue", "o"), ("square", "tab:orange", "s"), ("triangle", "black", "^"))
KINDS = (("easy", "tab:blue", ""), ("semi-hard", "tab:orange", "///"), ("hard", "black", ""))
MOMENTS = ("before", "after")


@picture(
    "Training should pull each class together, and the classes apart",
    probes.learnt_distances,
    alt="Fifty points before and after training, marked by class: discs, squares and triangles.",
)
def embeddings(figure, answer):
    """Draw the 50 embeddings along their two main directions, before and after training."""
    for axes, moment in zip(figure.subplots(1, 2), MOMENTS, strict=True):
        points = _main_directions(answer[moment]["embeddings"])  # (50, 2)
        for label, (name, colour, marker) in enumerate(SHAPES):
            x, y = points[answer["labels"] == label].T.numpy()
            axes.scatter(x, y, s=26, color=colour, marker=marker, alpha=0.7, linewidth=0, label=name)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(f"{moment} training", fontsize=10)
        axes.set_xlabel("first main direction")
        axes.set_ylabel("second main direction")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)


@picture(
    "Training should turn hard and semi-hard triplets into easy ones",
    probes.learnt_distances,
    alt="Two histograms of triplets by how much farther the negative is than the positive, before and after training.",
)
def kinds(figure, answer):
    """Draw how many triplets have which gap between negative and positive, by kind, before and after training."""
    margin = float(answer["margin"])
    edges = [step / 20 for step in range(-20, 41)]
    for axes, moment in zip(figure.subplots(2, 1, sharex=True, sharey=True), MOMENTS, strict=True):
        seen = answer[moment]
        axes.hist(
            [seen["gaps"][seen["kinds"] == number].clamp(edges[0], edges[-1]).numpy() for number in range(len(KINDS))],
            bins=edges,
            stacked=True,
            label=[name for name, _, _ in KINDS],
            color=[colour for _, colour, _ in KINDS],
            hatch=[hatch for _, _, hatch in KINDS],
            edgecolor="white",
            linewidth=0.3,
        )
        for edge in (0, margin):
            axes.axvline(edge, color="tab:gray", linestyle="--", linewidth=1)
        axes.set_ylabel(f"triplets {moment}")
    axes.set_xlabel("distance to negative - distance to positive   (dashed: 0 and the margin)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)


def _main_directions(embeddings):
    """Return the coordinates of the embeddings (B, D) along their first two principal components, (B, 2)."""
    centred = embeddings - embeddings.mean(dim=0)  # (B, D)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T
