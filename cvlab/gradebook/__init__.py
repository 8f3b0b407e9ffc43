"""Results that survive: what was handed in, the verdict on it and when; nothing in a gradebook is ever replaced."""

from cvlab.gradebook.entries import Entry, Terms
from cvlab.gradebook.opening import open_gradebook
from cvlab.gradebook.store import Gradebook

__all__ = ["Entry", "Gradebook", "Terms", "open_gradebook"]
