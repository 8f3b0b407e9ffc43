"""What a grader's check files may use: the decorator, and assertions that explain."""

from __future__ import annotations

from cvlab.grading.asserting import assert_at_least, assert_at_most, assert_equal, assert_matches, refuse
from cvlab.grading.checks import check

__all__ = ["assert_at_least", "assert_at_most", "assert_equal", "assert_matches", "check", "refuse"]
