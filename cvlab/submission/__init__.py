"""Reads one submitted file, a `.py` or a notebook, as data: nothing in it is run, parsed as Python or trusted.

A syntax error is the student's to hear about, from the sandbox; what is refused here is what no Python could run.
"""

from cvlab.submission.model import Submission
from cvlab.submission.notebook import SKIP_TAG
from cvlab.submission.reading import MAX_BYTES, read_submission, refuse_oversized, submission_of
from cvlab.submission.text import ENCODINGS

__all__ = ["ENCODINGS", "MAX_BYTES", "SKIP_TAG", "Submission", "read_submission", "refuse_oversized", "submission_of"]
