"""What to see of a vision transformer: where its class token looks."""

from __future__ import annotations

import probes

from cvlab.show.figures import draw_losses, picture

SIDE, PATCH = 16, 4
GRID = SIDE // PATCH
SHAPES = ("disc", "square", "triangle")


@picture(
    "The loss falls while fifty images are learnt by heart",
    probes.overfit,
    alt="A line: the cross-entropy of each training step on a logarithmic axis.",
)
def loss_curve(figure, training):
    """Draw the loss of every step, on a logarithmic axis."""
    draw_losses(figure, training["losses"], what="cross-entropy", goal=0.1)


@picture(
    "The class token looks at some patches more than at others",
    probes.attention_of_the_class_token,
    alt="Four images on a 4x4 grid of patches; below each the same grid, brighter where the class token looks more.",
)
def attention(figure, answer):
    """Draw four images and how the class token's attention falls on their patches, each on its own scale."""
    rows = figure.subplots(2, 4)
    looks = answer["looks"][:, 1:].reshape(-1, GRID, GRID)  # (4, 4, 4), without its look at itself
    for column in range(4):
        above, below = rows[0][column], rows[1][column]
        label, guess = (SHAPES[int(answer[name][column])] for name in ("labels", "guesses"))
        above.imshow(answer["images"][column].permute(1, 2, 0).clamp(0, 1).numpy(), extent=(0, GRID, GRID, 0))
        above.set_title(label if label == guess else f"{label},\ntaken for {guess}", fontsize=9)
        below.imshow(looks[column].numpy(), extent=(0, GRID, GRID, 0), cmap="cividis", vmin=0)
        below.set_xlabel(f"brightest: {float(looks[column].max()):.0%}", fontsize=9)
        for axes in (above, below):
            axes.set_xticks(range(GRID + 1), [""] * (GRID + 1))
            axes.set_yticks(range(GRID + 1), [""] * (GRID + 1))
            axes.tick_params(length=0)
            axes.grid(color="white", linewidth=0.5)
    rows[0][0].set_ylabel("image")
    rows[1][0].set_ylabel("attention")
