"""What to see of freezing: how the loss falls with a frozen stage, and with the same stage unfrozen."""

from __future__ import annotations

import probes

from cvlab.show.figures import picture

ACTIVATIONS = probes.fine_tuned


@picture(
    "Fifty foggy images: what unfreezing one stage gains",
    probes.curves_in_fog,
    alt="Two lines over 40 updates: the cross-entropy when only the head learns, and when layer4 learns, too.",
)
def two_curves(figure, curves):
    """Draw both losses over the steps, on a logarithmic axis."""
    axes = figure.add_subplot()
    for run, label, colour in (("frozen", "head only", "#b35900"), ("unfrozen", "head and layer4", "tab:blue")):
        losses = curves[run]
        end = (len(losses) - 1, losses[-1])
        axes.semilogy(range(len(losses)), losses, color=colour)
        axes.annotate(label, end, xytext=(5, 0), textcoords="offset points", color=colour, va="center")
    steps = len(curves["frozen"])
    axes.set_xlim(0, steps * 1.3)
    axes.set_xticks(range(0, steps + 1, 10))
    axes.axhline(0.2, color="dimgray", linestyle="--", linewidth=1)
    axes.annotate("goal", (steps * 1.3, 0.2), xytext=(-3, 3), textcoords="offset points", color="dimgray", ha="right")
    axes.set_xlabel("updates so far")
    axes.set_ylabel("cross-entropy")
