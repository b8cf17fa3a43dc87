"""Runs one submission and its tests: submission and assignment in, result out.

Everything else in the package talks to an :class:`Engine`. :class:`SandboxEngine` runs the
student's cells in one process, a worker in a sandbox, and the tests in another, a test runner; see
the instructor's page for what that does and does not protect from.
"""

from __future__ import annotations

import hmac
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from socket import socket, socketpair
from typing import Any, Protocol, cast

from autograder.assignments.independence import names_made
from autograder.assignments.source import Assignment
from autograder.errors import EngineError
from autograder.execution import control_groups, private_copy
from autograder.execution.control_groups import ControlGroup, ControlGroups
from autograder.execution.fork_servers import ForkServerProcess, start_runners, start_template
from autograder.execution.misconceptions import Catalogue
from autograder.execution.probe import require_hidden, require_sandbox
from autograder.execution.sandbox import fork_server
from autograder.reports.executed_notebook import to_notebook
from autograder.results import Outcome, Result, TestResult
from gradekit.notebook import Step, Submission, TimeLimits, assemble, to_steps
from gradekit.protocol import framing

MEMORY = 2 * 2**30  # bytes for all processes of one submission
_REPOSITORY = Path(__file__).resolve().parents[2]
_GRADERS_OWN = ("solutions", "tests", ".git")  # of a checkout
_SLOW = {
    "torch._dynamo": ("torch.optim", "training.train"),  # imported by a process's first optimiser
    "matplotlib.pyplot": ("matplotlib", "plotting", "plt."),
}
_SEED_BYTES = 16
_GROUP_PROCESSES = 64  # the limit of each user namespace, which counts first, is lower
_GRACE_SECONDS = 60.0  # for starting and ending processes, on top of the notebook's own time


# The reference's answers to the questions that another answer is about to give.
_FORGET = """
for _name in {names}:
    globals().pop(_name, None)
"""


class Engine(Protocol):
    """Grades one submission. Must be safe to call from several threads at once."""

    def version(self, assignment: Assignment) -> str:
        """Changes whenever a submission of that assignment may get another result."""

    def open(self) -> None:
        """Get ready to grade; CourseError when this machine can't."""

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        """Return the verdict; raise EngineError when there can't be one."""

    def grade_together(
        self, submissions: Sequence[Submission], assignment: Assignment, *, seed: int = 0
    ) -> list[Result]:
        """The verdicts on answers of ours, which may share a process; EngineError as above."""

    def close(self) -> None:
        """Stop what is running (the calls to grade raise EngineError)."""


class SandboxEngine:
    """Engine of two processes per submission, forked from two warm ones per assignment.

    Parameters
    ----------
    safe : whether students' code runs in a sandbox; :meth:`open` looks whether it holds.
    secret : what hidden tests' inputs are drawn from, together with the submission: who hands in
        again meets other inputs. Empty: the same inputs for everyone.
    compare : whether a failed question is compared with the assignment's mutants.
    cache : folder that keeps what the mutants return.
    memory : bytes that all processes of one submission may hold.
    protect : files and folders that students' code must not be able to open, besides the sources
        of what an assignment hides and what belongs to the grader.
    """

    def __init__(
        self,
        *,
        safe: bool = True,
        protect: Sequence[Path] = (),
        secret: bytes = b"",
        compare: bool = False,
        cache: Path | None = None,
        memory: int = MEMORY,
    ) -> None:
        self._safe, self._secret, self._compare, self._memory = safe, secret, compare, memory
        self._protect = (*protect, *(_REPOSITORY / name for name in _GRADERS_OWN))
        self._bwrap: str | None = None
        self._groups: ControlGroups | None = None
        self._catalogue = Catalogue(self._values, cache)
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._servers: dict[str, Future[_ForkServers]] = {}
        self._cores = _Cores()
        self._stopped = False
        # What they start dies with the thread that started it, so these live as long as the engine.
        self._starters = ThreadPoolExecutor(2, thread_name_prefix="starter")
        self._background = ThreadPoolExecutor(1, thread_name_prefix="background")
        self.peak_memory = 0  # of the largest submission so far, in bytes

    def version(self, assignment: Assignment) -> str:
        """Changes with the secret, whether there is a sandbox, and the mutants compared with."""
        secret = sha256(self._secret).hexdigest()[:12]
        mutants = f"-{self._catalogue.version(assignment)}" if self._compare else ""
        return f"runner-1{'' if self._safe else '-unsafe'}-{secret}{mutants}"

    def open(self) -> None:
        """Try the sandbox once; CourseError when there is none that holds."""
        with self._opening:
            if self._safe and self._bwrap is None:
                self._bwrap = require_sandbox()
                self._groups = control_groups.find()

    @property
    def memory_rule(self) -> str:
        """What a submission's memory is held to on this machine; empty before :meth:`open`."""
        if not self._safe:
            return "memory: not limited, as there is no sandbox"
        if self._bwrap is None:
            return ""
        most = f"at most {self._memory // 2**20:,} MiB a submission"
        if self._groups is not None:
            return f"memory: {most}, all that it makes the kernel keep (control group)"
        return (
            f"memory: {most} in its processes, and 576 MiB in files; the kernel's own buffers are "
            "bounded in number only, as this account can make no control group"
        )

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        """Run the cells and the tests; EngineError when there can be no verdict."""
        self.open()
        started = time.monotonic()
        cells = assemble(assignment.cells, submission)
        seed = self._seed(submission)
        asked = _asked(submission, assignment)
        code = [
            step
            for step in to_steps(cells, assignment.description)
            if step.role != "test" or step.question in asked
        ]
        compare = sorted(asked) if self._compare else []
        record = self._run(
            code, seed, assignment, grade=True, compare=compare, files=submission.files
        )
        tests = _test_results(assignment, asked, record["verdicts"])
        notebook = to_notebook(
            cells,
            {int(i): o for i, o in record["outputs"].items()},
            files=submission.files,
            notes=submission.notes,
        )
        return Result(
            student=submission.student,
            assignment=assignment.name,
            outcome=cast(Outcome, record["outcome"]),
            detail=record["detail"],
            tests=tests,
            notes=(*submission.notes, *record["notes"]),
            misconceptions=self._misconceptions(assignment, record),
            sandboxed=self._safe,
            seconds=round(time.monotonic() - started, 2),
            notebook=notebook,
        )

    def grade_together(
        self, submissions: Sequence[Submission], assignment: Assignment, *, seed: int = 0
    ) -> list[Result]:
        """Grade answers of ours one after the other; EngineError as with grade.

        Each runs in a copy of one process that has run the reference's cells. It is for answers of
        ours: visible and hidden tests share the copy. Of each, the questions that it names are
        judged.
        """
        started = time.monotonic()
        reference = Submission("", assignment.name, assignment.answers)
        code = to_steps(assemble(assignment.cells, reference), assignment.description)
        steps = [step for step in code if step.role != "test"]
        groups = []
        for submission in submissions:
            asked = _asked(submission, assignment)
            names = sorted(
                name
                for step in code
                if step.role == "student" and step.question in asked
                for name in names_made(step.source)
            )
            own = to_steps(assemble(assignment.cells, submission), assignment.description)
            groups.append(
                [
                    Step(0, "student", _FORGET.format(names=names)),
                    *(step for step in own if step.role != "given" and step.question in asked),
                ]
            )
        record = self._run(steps, seed, assignment, grade=True, compare=[], groups=groups)
        seconds = round((time.monotonic() - started) / max(1, len(submissions)), 2)
        results = []
        for submission, verdicts in zip(submissions, record["each"], strict=True):
            asked = _asked(submission, assignment)
            results.append(
                Result(
                    student=submission.student,
                    assignment=assignment.name,
                    outcome="complete",
                    tests=_test_results(assignment, asked, verdicts),
                    sandboxed=self._safe,
                    seconds=seconds,
                )
            )
        return results

    def _misconceptions(self, assignment: Assignment, record: dict[str, Any]) -> dict[str, str]:
        """Of the questions whose values are whole: a part may be like anything's part."""
        values = {q: calls for q, calls in record["values"].items() if q not in record["lost"]}
        return self._catalogue.matches(assignment, values)

    def _values(
        self, assignment: Assignment, steps: list[Step], groups: list[list[Step]]
    ) -> tuple[dict[str, list[Any]], list[str]]:
        """What is returned in the tests among groups of cells, on inputs equal for all."""
        record = self._run(steps, 0, assignment, grade=False, compare=[], groups=groups)
        return cast(dict[str, list[Any]], record["values"]), cast(list[str], record["lost"])

    def close(self) -> None:
        """End the warm processes, and what runs in them."""
        with self._lock:
            self._stopped = True
            started = list(self._servers.values())
            self._servers.clear()
        self._background.shutdown(wait=True, cancel_futures=True)
        for servers in started:
            if not servers.cancelled() and servers.exception() is None:
                servers.result().close()
        if self._groups is not None:
            self._groups.close()
        self._starters.shutdown(wait=False, cancel_futures=True)

    def _run(
        self,
        steps: list[Step],
        seed: int,
        assignment: Assignment,
        *,
        grade: bool,
        compare: list[str],
        files: Mapping[str, str] | None = None,
        groups: Sequence[Sequence[Step]] = (),
    ) -> dict[str, Any]:
        """Have a test runner work through a notebook, or through some together; its record."""
        servers = self._start_once(assignment).result()
        limits = assignment.description.limits
        if groups:  # a cell that ends its process is known by its number
            number = itertools.count()
            steps, *groups = [
                [replace(step, index=next(number)) for step in part] for part in (steps, *groups)
            ]
        job = {
            "steps": [asdict(step) for step in steps],
            "groups": [[asdict(step) for step in group] for group in groups],
            "limits": asdict(limits),
            "seed": seed,
            "grade": grade,
            "compare": compare,
            "files": dict(files or {}),
        }
        with (
            self._cores.one() as core,
            _Session(servers, core, self._memory, self._groups) as session,
        ):
            seconds = _job_seconds(limits) + len(groups) * limits.total
            reply = session.run(job, deadline=time.monotonic() + seconds)
            self.peak_memory = max(self.peak_memory, session.peak)
        if "failed" in reply:
            raise EngineError(reply["failed"])
        return dict(reply["record"])

    def _seed(self, submission: Submission) -> int:
        if not self._secret:
            return 0
        # Of the work, not of whose it is: a student who is renamed keeps the inputs.
        parts = asdict(submission) | {"student": ""}
        content = json.dumps(parts, sort_keys=True)
        digest = hmac.digest(self._secret, content.encode("utf-8", "surrogatepass"), "sha256")
        return int.from_bytes(digest[:_SEED_BYTES], "big")

    def warm(self, assignment: Assignment) -> None:
        """Start what :meth:`grade` will need, in the background; what fails is said there."""
        self._start_once(assignment)

    def _start_once(self, assignment: Assignment) -> Future[_ForkServers]:
        with self._lock:
            if self._stopped:
                raise EngineError("the grader was stopped")
            if assignment.digest not in self._servers:
                self._servers[assignment.digest] = self._background.submit(self._start, assignment)
            return self._servers[assignment.digest]

    def _start(self, assignment: Assignment) -> _ForkServers:
        given = [c.source for c in assignment.cells if _is_given_code(c)]
        with ExitStack() as undone:
            # Each takes seconds to import torch; the one outside need not wait for a sandbox.
            runners = self._starters.submit(start_runners, given=given)
            undone.callback(_end, runners)
            self.open()
            template = self._starters.submit(
                start_template,
                given=given,
                hide=assignment.hide,
                memory=self._memory,
                seconds=int(3 * assignment.total_seconds) + 60,
                bwrap=self._bwrap,
                modules=_slow_modules(assignment),
                counted=self._groups is not None,
            )
            undone.callback(_end, template)
            servers = _ForkServers(template.result(), runners.result())
            if self._bwrap is not None:
                hidden = private_copy.sources(assignment.hide)
                protected = [*self._protect, assignment.folder, *hidden]
                require_hidden(servers.template, [path for path in protected if path.exists()])
            undone.pop_all()
        return servers


@dataclass(frozen=True)
class _ForkServers:
    """The two fork servers of an assignment: warm processes, one in the sandbox and one outside."""

    template: ForkServerProcess  # of students' workers
    runners: ForkServerProcess

    def close(self) -> None:
        self.template.close()
        self.runners.close()


def _end(starting: Future[ForkServerProcess]) -> None:
    """End a server as soon as it has started, if it does."""
    if starting.exception() is None:
        starting.result().close()


class _Session:
    """A test runner and the workers it asks for; gone after the with."""

    def __init__(
        self, servers: _ForkServers, core: int, memory: int, groups: ControlGroups | None
    ) -> None:
        self._servers, self._core, self._memory = servers, core, memory
        self._groups = groups
        self._group: ControlGroup | None = None
        self._worker = 0  # its number, 0: none
        self.peak = 0

    def __enter__(self) -> _Session:
        self._sock, inside = socketpair()
        with inside:
            try:
                self._runner = self._servers.runners.fork(inside.fileno(), core=self._core)
            except BaseException:
                self._sock.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()
        try:
            self._end_worker()
        finally:
            self._servers.runners.end(self._runner)

    def run(self, job: dict[str, Any], *, deadline: float) -> dict[str, Any]:
        """Give the test runner its job and what it asks for, until it is done."""
        try:
            fork_server.send(self._sock, job, deadline=deadline)
            while True:
                message = fork_server.receive(self._sock, deadline=deadline)
                match message.get("want"):
                    case "worker":
                        self._end_worker()
                        self._start_worker(self._sock)
                    case "termination_reason":
                        fork_server.send(self._sock, self._end_worker(), deadline=deadline)
                    case _:
                        return message
        except framing.TooLate as error:
            raise EngineError("the test runner took too long") from error
        except (framing.Closed, framing.TooLong, OSError) as error:
            raise EngineError(f"the test runner ended before it was done ({error})") from error

    def _start_worker(self, sock: socket) -> None:
        ours, theirs = socketpair()
        with ours, theirs:
            if self._groups is not None:
                self._group = self._groups.new(memory=self._memory, processes=_GROUP_PROCESSES)
            fork = self._servers.template.fork
            self._worker = fork(
                theirs.fileno(), group=self._group, core=self._core, memory=self._memory
            )
            fork_server.send_fds(sock, [ours.fileno()])

    def _end_worker(self) -> dict[str, Any]:
        if not self._worker:
            self._remove_group()  # made, and nothing was started in it
            return {"termination_reason": "", "setup_error": ""}
        number, self._worker = self._worker, 0
        try:
            ended = self._servers.template.end(number)
        finally:
            self._remove_group()
        self.peak = max(self.peak, ended["peak"])
        return ended

    def _remove_group(self) -> None:
        group, self._group = self._group, None
        if group is not None and self._groups is not None:
            self._groups.remove(group)


class _Cores:
    """Gives each submission the core with the fewest others, and a child can't leave its core."""

    def __init__(self) -> None:
        have = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
        self._load = dict.fromkeys(sorted(have), 0)
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[int]:
        with self._lock:
            core = min(self._load, key=lambda core: self._load[core])
            self._load[core] += 1
        try:
            yield core
        finally:
            with self._lock:
                self._load[core] -= 1


def _asked(submission: Submission, assignment: Assignment) -> set[str]:
    return set(submission.only or (question.key for question in assignment.questions))


def _test_results(
    assignment: Assignment, asked: set[str], verdicts: Mapping[str, Mapping[str, Any]]
) -> tuple[TestResult, ...]:
    return tuple(
        TestResult(
            grade_id=cell.grade_id,
            question=cell.question,
            points=cell.points if verdicts[cell.grade_id]["passed"] else 0,
            max_points=cell.points,
            passed=verdicts[cell.grade_id]["passed"],
            message=verdicts[cell.grade_id]["message"],
        )
        for cell in assignment.tests
        if cell.question in asked
    )


def _job_seconds(limits: TimeLimits) -> float:
    """Seconds after which something must be wrong with the test runner itself."""
    return 2 * limits.total + _GRACE_SECONDS


def _slow_modules(assignment: Assignment) -> list[str]:
    """What is slow to import and most students of this assignment will need, by its own words."""
    text = "\n".join(cell.source for cell in assignment.cells)
    return [module for module, words in _SLOW.items() if any(word in text for word in words)]


def _is_given_code(cell: Any) -> bool:
    return bool(cell.role == "given" and cell.kind == "code")
