"""A test runner: a process of ours, forked for one submission, that holds its tests and runs them.

It talks to the grader over one socket (JSON) and to the student's worker over another, which the
grader fetches for it: ``{"want": "worker"}`` is answered by a file, and
``{"want": "termination_reason"}`` by why the last one was lost. The last message is
``{"record": ...}`` or ``{"failed": ...}``.
"""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import signal
import socket
import sys
import traceback
from dataclasses import asdict
from typing import Any, NoReturn

from autograder.errors import EngineError
from autograder.execution.sandbox import fork_server, inner_layer, template
from gradekit.notebook import Step, TimeLimits
from gradekit.protocol import SEED_VARIABLE
from gradekit.protocol.client import Client, PlacingError
from gradekit.runner import NOT_WRITTEN, GivenCellError, Runner

_MEMORY = 8 * 2**30  # more than any test needs: a student's values must not make it eat the machine


def main(fd: int, parent: int) -> None:
    """Get ready, and fork a runner for each request until the grader (``parent``) is gone."""
    inner_layer.die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=fd)
    orders = fork_server.receive(control)
    template.prepare(orders["given"], [])
    fork_server.send(control, {"ready": True, "threads": fork_server.threads()})
    fork_server.ForkServer(control, _run_job).serve()


def _run_job(fd: int, order: dict[str, Any], errors: int) -> NoReturn:
    del errors
    inner_layer.die_with_parent()
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(0, {order["core"]})
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > _MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, hard))
    with socket.socket(fileno=fd) as sock:
        job = fork_server.receive(sock)
        try:
            reply = _work(sock, job)
        except (EngineError, GivenCellError, PlacingError) as error:
            reply = {"failed": str(error)}
        except Exception as error:  # a fault of the grader's: said, and no verdict
            traceback.print_exc(file=sys.__stderr__)
            reply = {"failed": f"fault in the grader ({type(error).__name__}: {error})"}
        fork_server.send(sock, reply)
    os._exit(0)


def _work(sock: socket.socket, job: dict[str, Any]) -> dict[str, Any]:
    steps = [_step(step) for step in job["steps"]]
    limits = TimeLimits(**job["limits"])

    def enter() -> Client:
        fork_server.send(sock, {"want": "worker"})
        (session,) = fork_server.receive_fds(sock, 1)
        return Client(socket.socket(fileno=session), call_seconds=limits.call)

    def termination_reason() -> str:
        fork_server.send(sock, {"want": "termination_reason"})
        reply = fork_server.receive(sock)
        if reply["setup_error"]:
            raise EngineError(f"the student's process could not be set up ({reply['setup_error']})")
        return str(reply["termination_reason"])

    files = {name: base64.b64decode(text) for name, text in job["files"].items()}
    runner = Runner(steps, enter, limits, files=files, termination_reason=termination_reason)
    os.environ[SEED_VARIABLE] = str(job["seed"])
    if job["groups"]:
        groups = [[_step(step) for step in group] for group in job["groups"]]
        if not job["grade"]:
            os.environ[SEED_VARIABLE] = "0"  # the same inputs for everyone: values are compared
        each = [
            {name: asdict(verdict) for name, verdict in verdicts.items()}
            for verdicts in runner.run_each(groups, verdicts=job["grade"])
        ]
        runner.close()
        return {"record": {**runner.record.as_json(), "each": each}}
    if job["grade"]:
        runner.run(hidden=False)
        runner.run(hidden=True, keep_output=False)
    failed = {step.question for step in steps if _failed(step, runner)}
    compared = failed.intersection(job["compare"]) if job["grade"] else set(job["compare"])
    if compared:
        os.environ[SEED_VARIABLE] = "0"  # the same inputs for everyone: values are compared
        runner.values(compared)
    runner.close()
    return {"record": runner.record.as_json()}


def _step(fields: dict[str, Any]) -> Step:
    return Step(**fields | {key: tuple(fields[key]) for key in ("names", "in_place")})


def _failed(step: Step, runner: Runner) -> bool:
    verdict = runner.record.verdicts.get(step.name)
    if step.role != "test" or verdict is None or verdict.passed:
        return False
    return verdict.message != NOT_WRITTEN  # there is nothing to compare yet
