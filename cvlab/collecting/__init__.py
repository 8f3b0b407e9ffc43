"""Turns what an instructor downloaded into handed-in submissions, as data: nothing is unpacked, run or followed."""

from cvlab.collecting.found import Collection, HandedIn, LeftOut, Student

__all__ = ["Collection", "HandedIn", "LeftOut", "Student"]
