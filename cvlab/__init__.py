"""cvlab: computer-vision drills in PyTorch that grade themselves."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Add the magics `%check` and `%%check` to a notebook; called by `%load_ext cvlab`."""
    # Late and by name: everything in the package imports this module, and must not import the notebook's with it.
    importlib.import_module("cvlab.notebook").load_ipython_extension(shell)
