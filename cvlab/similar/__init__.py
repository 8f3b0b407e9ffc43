"""Which submissions are alike beyond what everybody was given; nothing handed in is run or parsed, and people decide.

Three things are common ground and count for nothing: the stub and the code in the brief, our own solutions, and what
most of a class wrote.
"""

from cvlab.similar.ground import Ground, ground_of
from cvlab.similar.passages import Passage, passages_of
from cvlab.similar.scanning import MAX_CHARACTERS
from cvlab.similar.searching import LEAST, Alike, Group, Handed, Pair, alike

__all__ = [
    "LEAST",
    "MAX_CHARACTERS",
    "Alike",
    "Ground",
    "Group",
    "Handed",
    "Pair",
    "Passage",
    "alike",
    "ground_of",
    "passages_of",
]
