"""What to see of a U-Net: the masks it finds, beside the true ones."""

from __future__ import annotations

import probes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cvlab.show.figures import draw_losses, picture

CLASSES = {"background": "whitesmoke", "disc": "tab:orange", "square": "tab:blue", "triangle": "black"}
TITLES = ("learnt by heart", "learnt by heart", "never seen", "never seen")


@picture(
    "The loss falls while fifty masks are learnt by heart",
    probes.overfit,
    alt="A line: the Dice and cross-entropy of each training step on a logarithmic axis.",
)
def loss_curve(figure, training):
    """Draw the loss of every step, on a logarithmic axis."""
    draw_losses(figure, training["losses"], what="Dice and cross-entropy")


@picture(
    "Every pixel gets a class, in images learnt by heart and in new ones",
    probes.masks_found,
    alt="Four images, their true masks, and the masks found, with a red cross on every pixel that is wrong.",
)
def masks(figure, answer):
    """Draw four images, their true masks and those that were found, with a cross on each wrong pixel."""
    colours = ListedColormap(list(CLASSES.values()))
    rows = figure.subplots(3, 4)
    for column, title in enumerate(TITLES):
        image, mask, found = (answer[name][column] for name in ("images", "masks", "found"))
        rows[0][column].imshow(image.permute(1, 2, 0).clamp(0, 1).numpy())
        rows[0][column].set_title(title, fontsize=9)
        for row, what in ((1, mask), (2, found)):
            rows[row][column].imshow(what.numpy(), cmap=colours, vmin=0, vmax=len(CLASSES) - 1, interpolation="nearest")
        y, x = (mask != found).nonzero().T
        rows[2][column].scatter(x.numpy(), y.numpy(), s=9, marker="x", color="tab:red", linewidth=1)
    for row, name in zip(rows, ("image", "truth", "found"), strict=True):
        row[0].set_ylabel(name)
        for axes in row:
            axes.set_xticks([])
            axes.set_yticks([])
    wrong = Line2D([], [], color="tab:red", marker="x", markersize=5, linestyle="")
    figure.legend(
        handles=[*(Patch(facecolor=colour, edgecolor="gray") for colour in CLASSES.values()), wrong],
        labels=[*CLASSES, "wrong"],
        loc="outside lower center",
        ncols=5,
        fontsize=9,
    )
