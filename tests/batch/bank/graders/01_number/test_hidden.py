"""Checks that break on demand: some numbers bring down the grader, its foreman, or keep it waiting."""

import os
import signal
from pathlib import Path

import probes
from cvlab.grading import assert_equal, check

CRASHES_ALWAYS, CRASHES_ONCE, ENDS_THE_FOREMAN_ONCE, WAITS = 666, 13, 99, 1000


@check("parity", points=2)
def test_it_is_the_right_number(submission, reference):
    """Your number is the number of the reference."""
    number = submission(probes.number)
    if number == CRASHES_ALWAYS:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == CRASHES_ONCE and _first_time("crash"):
        os.kill(os.getpid(), signal.SIGKILL)
    if number == ENDS_THE_FOREMAN_ONCE and _first_time("foreman"):
        os.kill(os.getppid(), signal.SIGKILL)
        signal.pause()
    if isinstance(number, int) and number >= WAITS and "CVLAB_TEST_GATE" in os.environ:
        Path(os.environ["CVLAB_TEST_GATE"]).read_bytes()  # a pipe: until the test closes its end
    assert_equal(number, reference(probes.number))


def _first_time(what):
    try:
        Path(os.environ["CVLAB_TEST_MARKS"], what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
