"""What to see of a residual block: how fast a network of four learns."""

from __future__ import annotations

import probes

from cvlab.show.figures import picture


@picture("The loss falls while fifty images are learnt by heart", probes.overfit)
def loss_curve(figure, training):
    """Draw the loss of every step, on a logarithmic axis."""
    axes = figure.add_subplot()
    axes.semilogy(range(1, len(training["losses"]) + 1), training["losses"], color="tab:blue")
    axes.axhline(0.05, color="tab:gray", linestyle="--", linewidth=1)
    axes.annotate("goal", (1, 0.05), xytext=(2, 3), textcoords="offset points", color="tab:gray")
    axes.set_xlabel("step")
    axes.set_ylabel("cross-entropy")
