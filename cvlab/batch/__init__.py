"""Grading a whole class: what must be graded, by how many graders at once, and what came of it."""
