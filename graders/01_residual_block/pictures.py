"""What to see of a residual block: how fast a network of four learns."""

from __future__ import annotations

import probes

from cvlab.show.figures import draw_losses, picture


@picture(
    "The loss falls while fifty images are learnt by heart",
    probes.overfit,
    alt="A line: the cross-entropy of each training step on a logarithmic axis, and a dashed one at the goal of 0.05.",
)
def loss_curve(figure, training):
    """Draw the loss of every step, on a logarithmic axis."""
    draw_losses(figure, training["losses"], what="cross-entropy", goal=0.05)
