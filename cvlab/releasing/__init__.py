"""Making kits: what students get of a bank, and the proof that nothing else is in it."""

from __future__ import annotations
