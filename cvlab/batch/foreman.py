"""The foreman: a process that gets torch, the nursery and the drills' references ready once, and forks graders.

Whoever grades a class starts one (`crew`) and hands it one end of a connection for every grader it wants. A grader
takes one job after the other from its connection and ends with it; the foreman ends when its own connection does, and
with it the nursery and every grader.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from multiprocessing.connection import Connection
from typing import NoReturn

import msgspec

import cvlab
from cvlab.bank import open_full_bank
from cvlab.batch.jobs import MAX_FRAME, Done, Job, Readiness, Setting, Start, file_name, pack
from cvlab.errors import BadSubmission, CvlabError, GraderError
from cvlab.grading.grader import Grader
from cvlab.report import Report
from cvlab.sandbox import jail
from cvlab.starting import start_sandbox
from cvlab.submission import submission_of

GRADER_CPU_SECONDS = 900
"""Processor time of our own for one submission, beyond which a grader is taken to be broken and ended by the kernel."""


def serve(handle: int) -> NoReturn:
    """Be the foreman on this socket until it is closed."""
    orders = socket.socket(fileno=handle)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to whoever sits at the keyboard
    start = msgspec.msgpack.decode(orders.recv(1 << 20), type=Start)
    try:
        graders = _ready(start)
        known = {name: grader.drill.digest() for name, grader in graders.items()}
        points = {name: grader.max_points for name, grader in graders.items()}
        orders.send(pack(Readiness(digests=known, max_points=points, version=cvlab.__version__)))
    except CvlabError as problem:
        orders.send(pack(Readiness(broken=str(problem), exit_code=problem.exit_code)))
        os._exit(problem.exit_code)
    except Exception as bug:
        orders.send(pack(Readiness(broken=f"{type(bug).__name__}: {bug}"[:2_000])))
        os._exit(3)
    gc.collect()
    gc.freeze()  # what is alive now is never collected, so its pages stay shared with every grader
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # graders that ended leave no zombie; their connection tells
    foreman = os.getpid()
    while True:
        message, handles, _flags, _address = socket.recv_fds(orders, 1, 1)
        if not message:
            os._exit(0)
        (connection,) = handles
        if os.fork() == 0:
            try:
                jail.die_with_parent(foreman)
                orders.close()
                _grade_all(Connection(connection), graders, start.setting)
            finally:
                os._exit(70)
        os.close(connection)


def _ready(start: Start) -> dict[str, Grader]:
    """Return a grader for each drill, after the drill's own reference has passed it."""
    bank = open_full_bank()
    drills = [bank.find(name) for name in start.drills]
    preload = (name for drill in drills for name in drill.about.preload)
    sandbox = start_sandbox(bank, start.setting.mode, preload, many=True)
    graders = {}
    for drill in drills:
        limits = start.setting.limits_of(drill)
        grader = graders[drill.folder] = Grader(drill, sandbox, seed=start.setting.seed, limits=limits)
        report = grader.rehearse()
        if report.status != "passed":
            failure = report.first_failure
            told = f"{failure.name}: {failure.message}" if failure else "; ".join(report.notes)
            raise GraderError(drill.name, f"its own reference does not pass: {told}", f"cvlab verify {drill.number}.")
    return graders


def _grade_all(connection: Connection, graders: dict[str, Grader], setting: Setting) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        try:
            job = msgspec.msgpack.decode(connection.recv_bytes(MAX_FRAME), type=Job)
        except EOFError:
            os._exit(0)
        _allow_one_more_job()
        grader = graders[job.drill]
        connection.send_bytes(pack(Done(number=job.number, report=_graded(job, grader))))


def _graded(job: Job, grader: Grader) -> Report:
    name = file_name(grader.drill, job.suffix)
    try:
        if job.refusal:
            return grader.refuse(name, job.sha256, job.refusal)
        submission = submission_of(name, job.data)
    except BadSubmission as problem:
        return grader.refuse(name, job.sha256, str(problem))
    return grader.grade(submission)


def _allow_one_more_job() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime) + GRADER_CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))


if __name__ == "__main__":
    serve(int(sys.argv[-1]))
