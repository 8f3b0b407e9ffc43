"""Scenarios are material, not tests: `tests/sandbox/test_scenarios.py` grades them."""

from __future__ import annotations

collect_ignore_glob = ["*"]
