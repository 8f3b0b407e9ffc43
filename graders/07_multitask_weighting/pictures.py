"""What to see of two heads on one backbone: how each task learns, how hard each pulls, and the depth that is found."""

from __future__ import annotations

import probes

from cvlab.show.figures import picture

TITLES = ("learnt by heart", "learnt by heart", "never seen", "never seen")


@picture(
    "Both tasks learn at once, and each pulls on the shared backbone",
    probes.training,
    alt="Two lines: the losses of class and depth over the steps; below, the class's share of the gradient.",
)
def tasks(figure, answer):
    """Draw both losses of every step, and the class's share of the gradient of the shared weights."""
    losses, share = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    steps = range(1, len(answer["cls"]) + 1)
    losses.semilogy(steps, answer["cls"], color="tab:blue", label="class (cross-entropy)")
    losses.semilogy(steps, answer["depth"], color="tab:orange", linestyle="--", label="depth (mean error)")
    losses.set_ylabel("loss, before weighting")
    losses.legend(fontsize=9, frameon=False)
    every = answer["share of cls"]
    share.plot(range(1, 4 * len(every) + 1, 4), every, color="tab:blue", marker=".", label="class")
    share.axhline(0.5, color="tab:gray", linestyle=":", linewidth=1)
    share.set_ylim(0, 1)
    share.set_ylabel("class's share\nof the gradient")
    share.set_xlabel("step")


@picture(
    "Depth from a single image: near objects stand out from the far wall",
    probes.depth_found,
    alt="Four images, the true depth of each pixel, and the depth found, on one colour scale.",
)
def depths(figure, answer):
    """Draw four images, their true depth and the depth that was found, on one colour scale."""
    rows = figure.subplots(3, 4)
    for column, title in enumerate(TITLES):
        rows[0][column].imshow(answer["images"][column].permute(1, 2, 0).clamp(0, 1).numpy())
        rows[0][column].set_title(title, fontsize=9)
        for row, name in ((1, "depth"), (2, "found")):
            shown = rows[row][column].imshow(answer[name][column, 0].numpy(), cmap="cividis", vmin=0, vmax=1)
    for row, name in zip(rows, ("image", "true depth", "found"), strict=True):
        row[0].set_ylabel(name)
        for axes in row:
            axes.set_xticks([])
            axes.set_yticks([])
    figure.colorbar(shown, ax=rows, shrink=0.66, anchor=(0, 0), label="depth (0 is near)")
