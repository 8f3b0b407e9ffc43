"""What to see of an anchor head: where its anchors lie, which of them fit an object, and what a detector finds."""

from __future__ import annotations

import probes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from cvlab.show.figures import draw_losses, picture

CELLS, ANCHORS, SIDE, STRIDE = 6, 3, 24, 4
SHOWN_CELLS = ((1, 1), (4, 4))
SHAPES = {"disc": ("tab:blue", "-"), "square": ("tab:orange", "--"), "triangle": ("white", ":")}


@picture(
    "The loss falls while fifty pictures are learnt by heart",
    probes.overfit,
    alt="A line: the loss of classes and boxes of each training step on a logarithmic axis.",
)
def loss_curve(figure, training):
    """Draw the loss of every step, on a logarithmic axis."""
    draw_losses(figure, training["losses"], what="loss of classes and boxes", goal=0.2)


@picture(
    "Every cell has its anchors; those that fit an object best are trained to find it",
    probes.anchors_and_objects,
    alt="One picture twice: with the three anchors of two cells, and with its objects and the anchors that fit them.",
)
def anchors(figure, answer):
    """Draw the anchors of two cells, and beside them the anchors that have an object."""
    every, fitting = figure.subplots(1, 2)
    for axes in (every, fitting):
        _show(axes, answer["image"] * 0.6)
        axes.set_xlim(-3, SIDE + 3)
        axes.set_ylim(SIDE + 3, -3)  # anchors may stick out
        axes.set_facecolor("dimgray")
    for edge in range(0, SIDE + 1, STRIDE):
        every.plot([edge, edge], [0, SIDE], color="gray", linewidth=0.6)
        every.plot([0, SIDE], [edge, edge], color="gray", linewidth=0.6)
    for row, column in SHOWN_CELLS:
        first = (row * CELLS + column) * ANCHORS
        for box in answer["anchors"][first : first + ANCHORS]:
            _outline(every, box, "white", "-", width=1.6)
        every.plot((column + 0.5) * STRIDE, (row + 0.5) * STRIDE, marker="+", markersize=10, color="white")
    every.set_title("a 6x6 map: the three anchors of two cells (+)", fontsize=9)
    styles = list(SHAPES.values())
    for box, label in list(zip(answer["boxes"], answer["labels"].tolist(), strict=True))[:3]:
        fitting.add_patch(_rectangle(box, facecolor=styles[label][0], alpha=0.4))
    fit = answer["classes"] > 0
    for box, label in list(zip(answer["anchors"][fit], (answer["classes"][fit] - 1).tolist(), strict=True))[:12]:
        _outline(fitting, box, *styles[label], width=2)
    fitting.set_title("objects (filled), and the anchors that fit best", fontsize=9)
    _explain_styles(figure)


@picture(
    "Moved by their deltas, a trained detector's anchors should lie on the objects",
    probes.found_by_heart,
    alt="Four pictures with the boxes of their objects; below, the same with the boxes that the detector found.",
)
def found(figure, answer):
    """Draw four pictures with the boxes of their objects and those that were found, styled by class."""
    rows = figure.subplots(2, 4)
    for column in range(4):
        scene = answer[column]
        for row, (boxes, labels) in enumerate((("boxes", "labels"), ("found boxes", "found labels"))):
            axes = rows[row][column]
            _show(axes, scene["image"])
            axes.set_xlim(0, SIDE)
            axes.set_ylim(SIDE, 0)
            for box, label in list(zip(scene[boxes], scene[labels].tolist(), strict=True))[:20]:
                _outline(axes, box, *list(SHAPES.values())[label])
    rows[0][0].set_ylabel("objects")
    rows[1][0].set_ylabel("found")
    _explain_styles(figure)


def _show(axes, image):
    """Show an image (3, S, S) so that coordinates are continuous pixels, as those of boxes are."""
    axes.imshow(image.permute(1, 2, 0).clamp(0, 1).numpy(), extent=(0, SIDE, SIDE, 0))
    axes.set_xticks([])
    axes.set_yticks([])


def _outline(axes, box, colour, line, width=1.3):
    axes.add_patch(_rectangle(box, fill=False, edgecolor=colour, linestyle=line, linewidth=width))


def _rectangle(box, **style):
    x0, y0, x1, y1 = box.tolist()
    return Rectangle((x0, y0), x1 - x0, y1 - y0, **style)


def _explain_styles(figure):
    figure.legend(
        handles=[Line2D([], [], color=colour, linestyle=line) for colour, line in SHAPES.values()],
        labels=list(SHAPES),
        loc="outside lower center",
        ncols=3,
        fontsize=9,
        facecolor="dimgray",
        labelcolor="white",
    )
