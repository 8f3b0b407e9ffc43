"""What a student's cvlab knows of kits: where one is found, and what its mark says. Making them is `cvlab.releasing`."""

from __future__ import annotations
