"""What a learner's cvlab knows of kits: where one is found and what its mark says. `cvlab.releasing` makes them."""

from __future__ import annotations
