"""Turns what an instructor downloaded into handed-in submissions, as data: nothing is unpacked, run or followed."""

from cvlab.collecting.collect import collect
from cvlab.collecting.found import Collection, HandedIn, LeftOut, Student
from cvlab.collecting.recognising import LAYOUTS

__all__ = ["LAYOUTS", "Collection", "HandedIn", "LeftOut", "Student", "collect"]
