"""What to see of freezing: how the loss falls with a frozen stage, and with the same stage unfrozen."""

from __future__ import annotations

import probes

from cvlab.show.figures import picture


@picture("Fifty foggy images: what it gains to unfreeze one stage", probes.curves_in_fog)
def two_curves(figure, curves):
    """Draw both losses over the steps, on a logarithmic axis."""
    axes = figure.add_subplot()
    for run, label, colour in (
        ("frozen", "head only", "tab:gray"),
        ("unfrozen", "head and layer4", "tab:blue"),
    ):
        losses = curves[run]
        axes.semilogy(range(len(losses)), losses, color=colour)
        axes.annotate(
            label, (len(losses) - 1, losses[-1]), xytext=(5, 0), textcoords="offset points", color=colour, va="center"
        )
    axes.axhline(0.2, color="tab:gray", linestyle="--", linewidth=1)
    axes.annotate("goal", (0, 0.2), xytext=(2, 3), textcoords="offset points", color="tab:gray")
    axes.set_xlim(0, len(curves["frozen"]) * 1.25)
    axes.set_xlabel("updates so far")
    axes.set_ylabel("cross-entropy")
