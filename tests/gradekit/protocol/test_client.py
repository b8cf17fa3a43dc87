"""Both sides of a student's work: what crosses, and what a hostile other side can do."""

from __future__ import annotations

import json
import math
import operator
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gradekit import checks, runner
from gradekit.arguments import ArgumentChanged
from gradekit.notebook import Step, TimeLimits
from gradekit.protocol import framing
from gradekit.protocol.client import Client, PlacingError, Remote, StudentError, WorkerLost
from gradekit.protocol.codec import LIMITS, Reference, decode, encode
from gradekit.protocol.worker import STREAM_CHARS, Worker, make_shell
from gradekit.runner import GivenCellError, Runner

Enter = Callable[[], Client]


@pytest.fixture(scope="module")
def shell() -> Any:
    return make_shell()


@pytest.fixture(autouse=True)
def stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back from a folder that a test goes to."""
    monkeypatch.chdir(os.getcwd())


@pytest.fixture
def enter(shell: Any) -> Iterator[Enter]:
    """Starts a pupil in a forked process, as the template does, without walls."""
    pids: list[int] = []

    def start() -> Client:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            try:
                Worker(shell, theirs).serve()
            finally:
                os._exit(0)
        pids.append(pid)
        theirs.close()
        return Client(ours, call_seconds=20)

    yield start
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@pytest.fixture
def student(enter: Enter) -> Iterator[Client]:
    student = enter()
    yield student
    student.close()


def define(student: Client, source: str, *names: str) -> list[Any]:
    ran = student.run(source, 20)
    assert ran.error is None, ran
    space = student.resolve_names(list(names))
    return [space[name] for name in names]


def test_values_cross_by_value_and_by_type(student: Client) -> None:
    (same,) = define(student, "def same(*args, **kwargs): return args, kwargs", "same")
    args = (None, True, 7, 0.5, "text", [1, (2,)], {"a": 1}, np.arange(3), torch.ones(2, 2))
    back, named = same(*args, key=torch.zeros(1))
    assert [type(value) for value in back] == [type(value) for value in args]
    assert back[:7] == args[:7]
    assert np.array_equal(back[7], args[7])
    assert torch.equal(back[8], args[8])
    assert torch.equal(named["key"], torch.zeros(1))


def test_an_argument_changed_in_place_changes_here(student: Client) -> None:
    source = "def change(a, b, c, d): a.add_(1); b[0] = 9; c.append(4); d['x'] = 1"
    (change,) = define(student, source, "change")
    student.in_place = ("change",)
    a, b, c, d = torch.zeros(2), np.zeros(2), [1], {}
    alias = a
    assert change(a, b, c, d) is None
    assert torch.equal(alias, torch.ones(2))
    assert b.tolist() == [9, 0]
    assert c == [1, 4]
    assert d == {"x": 1}


@pytest.mark.parametrize(
    ("body", "call", "which"),
    [
        ("a.add_(1)", "f(a)", "its first argument"),
        ("b[0] = 9", "f(a, b)", "its second argument"),
        ("c.append(4)", "f(a, b, c)", "its third argument"),
        ("c.reverse()", "f(a, c=c)", "its argument c"),
        ("c[0].zero_()", "f(a, c=[a])", "its argument c"),
        ("a.data = a.data[:1]", "f(a)", "its first argument"),
    ],
)
def test_a_changed_argument_is_a_named_fault(
    student: Client, body: str, call: str, which: str
) -> None:
    (function,) = define(student, f"def f(a, b=None, c=None, d=None):\n    {body}", "f")
    space = {"f": function, "a": torch.ones(2).double(), "b": np.ones(2), "c": [1, 2]}
    with pytest.raises(ArgumentChanged, match=rf"^f changed {which} in place: "):
        eval(call, space)
    space |= {"a": torch.ones(2).double(), "b": np.ones(2), "c": [1, 2]}
    student.in_place = ("f",)
    eval(call, space)


def test_a_gradient_left_on_an_argument_is_named(student: Client) -> None:
    source = (
        "def slope(x):\n    x.requires_grad_()\n    (x**2).sum().backward()\n    return x.grad\n"
        "def clean(x):\n    return slope(x.detach().clone())\n"
    )
    slope, clean = define(student, source, "slope", "clean")
    assert clean(torch.ones(2)).tolist() == [2, 2]
    with pytest.raises(ArgumentChanged, match=r"^slope left a gradient on its first argument"):
        slope(torch.ones(2))


OBJECTS = """
import torch
class Momentum:
    def __init__(self, start=None):
        if start is not None: start.add_(1)
    def step(self, params, grads):
        for p, g in zip(params, grads): p.sub_(g)
    def __call__(self, x): x.add_(1)
def make(): return lambda x: x.add_(1)
def parts(): return [lambda x: x.add_(1)]
def fails(x):
    x.add_(1)
    raise ValueError("own")
def odd(x): x[object()] = 1
def loss(x, labels):
    labels.add_(1)
    return (x**2).sum()
def left(params):
    for p in params: p.requires_grad_()
    sum((p**2).sum() for p in params).backward()
    return [p.grad.clone() for p in params]
"""
NAMES = ("Momentum", "make", "parts", "fails", "odd", "loss", "left")
CALLS = [
    ("Momentum(a)", "Momentum changed its first argument"),
    ("Momentum().step([a], [a + 1])", r"Momentum\(\).step changed its first argument"),
    ("Momentum()(a)", "what Momentum returned changed its first argument"),
    ("make()(a)", "what make returned changed its first argument"),
    ("list(parts())[0](a)", "what parts returned changed its first argument"),
    ("fails(a)", r"fails changed its first argument .*\(and then raised ValueError\)$"),
    ("odd({})", "odd changed its first argument"),
    ("checks.value_and_gradients(loss, a, labels)", "loss changed its second argument"),
    ("left([a])", "left left a gradient on its first argument"),
]


@pytest.mark.parametrize(("call", "message"), CALLS)
def test_a_change_is_named_and_opted_out_however_it_was_called(
    student: Client, call: str, message: str
) -> None:
    functions = dict(zip(NAMES, define(student, OBJECTS, *NAMES), strict=True))

    def space() -> dict[str, Any]:
        a, labels = torch.ones(2).double(), torch.ones(2, dtype=torch.int64)
        return {**functions, "checks": checks, "a": a, "labels": labels}

    with pytest.raises(ArgumentChanged, match=rf"^{message}"):
        eval(call, space())
    if call == "odd({})":
        return  # what was changed has no code
    student.in_place = NAMES
    if call == "fails(a)":
        with pytest.raises(ValueError, match="own"):
            eval(call, space())
    else:
        eval(call, space())


def test_no_word_of_a_fault_is_the_students_to_choose(student: Client) -> None:
    """Such a message is shown of hidden tests too, and a name could carry their values."""
    source = """
def raises(x):
    x.append(0)
    raise type(f"secret_{x[0]}", (Exception,), {})
def make(x):
    kind = type(f"secret_{x[0]}", (), {"__call__": lambda self, y: y.append(0)})
    kind.step = lambda self, y: y.append(0)
    return kind()
"""
    raises, make = define(student, source, "raises", "make")
    said = []
    for call in (lambda: raises([7]), lambda: make([7])([1]), lambda: make([7]).step([1])):
        with pytest.raises(ArgumentChanged) as caught:
            call()
        said.append(str(caught.value))
    assert "secret" not in " ".join(said)
    assert said[0].endswith("(and then raised an exception)")
    assert said[1].startswith("what make returned changed its first argument")
    assert said[2].startswith("make().step changed its first argument")


def test_a_tuple_of_a_class_of_its_own_is_taken_apart(student: Client) -> None:
    source = """
import torch
from typing import NamedTuple
class Fit(NamedTuple):
    W: object
    error: float
def named(): return Fit(torch.ones(2), 0.5)
def largest(x): return x.max(dim=0)
def plain(): return object()
"""
    named, largest, plain = define(student, source, "named", "largest", "plain")
    W, error = checks.check_tuple(named(), ["W", "error"], "named")
    checks.check_close(W, torch.ones(2), "W")
    assert error == 0.5
    assert named().error == 0.5
    values, _ = checks.check_tuple(largest(torch.eye(2)), ["values", "indices"], "largest")
    checks.check_close(values, [1.0, 1.0], "values")
    with pytest.raises(AssertionError, match=r"^plain returned an object; wanted"):
        checks.check_tuple(plain(), ["a", "b"], "plain")


def test_a_branch_leaves_nothing_behind(student: Client) -> None:
    (count,) = define(student, "seen = []\ndef count(x): seen.append(x); return len(seen)", "count")
    assert count(1) == 1
    student.enter_branch()
    assert [count(1), count(1)] == [2, 3]
    student.run("seen.clear(); del count", 5)
    student.leave_branch()
    assert count(1) == 2


def test_a_branch_that_ends_by_itself_is_a_process_that_died(student: Client) -> None:
    (stop,) = define(student, "import os\ndef stop(): os._exit(0)", "stop")
    student.enter_branch()
    with pytest.raises(WorkerLost, match="died"):
        stop()


def test_what_only_looks_changed_is_no_fault(student: Client) -> None:
    source = (
        "import torch\n"
        "def draw(generator, x, y): return torch.rand(2, generator=generator)\n"
        "def back(x): x.add_(1); x.sub_(1); return x\n"
    )
    draw, back = define(student, source, "draw", "back")
    x = torch.tensor([math.nan, 1.0])
    draw(torch.Generator(), x, [np.array([math.nan]), math.nan])
    assert back(torch.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("raised", "kind", "ename"),
    [
        ("ValueError('no')", ValueError, "ValueError"),
        ("KeyError('no')", KeyError, "KeyError"),
        ("type('Own', (ValueError,), {})('no')", StudentError, "Own"),
        ("SystemExit('no')", StudentError, "SystemExit"),
        ("type('a b', (Exception,), {})('no')", StudentError, "object"),
    ],
)
def test_exceptions_are_made_here(
    student: Client, raised: str, kind: type[Exception], ename: str
) -> None:
    (fail,) = define(student, f"def fail(): raise {raised}", "fail")
    with pytest.raises(kind) as caught:
        fail()
    assert isinstance(caught.value, StudentError)
    assert (caught.value.ename, caught.value.evalue.strip("'")) == (ename, "no")


def test_a_name_that_is_not_defined(student: Client) -> None:
    with pytest.raises(NameError, match="name 'nothing' is not defined"):
        student.resolve_names(["nothing"])["nothing"]()


def test_a_name_that_is_no_function_is_a_value(student: Client) -> None:
    five, row = define(student, "import torch\nfive = 5\nrow = torch.ones(2)", "five", "row")
    assert five == 5
    assert torch.equal(row, torch.ones(2))


MODULE = """
import torch
class Scale(torch.nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(1.0, d + 1, dtype=torch.float64))
    def forward(self, X):
        return X * self.weight
    def squared(self):
        return (self.weight ** 2).sum()
def loss(model, X, target):
    return ((model(X) - target) ** 2).mean()
def curve(x):
    return x.sin() * x ** 2
def pairs():
    yield 1
    yield 2
"""


def test_a_module_stays_there_and_is_used_from_here(student: Client) -> None:
    (scale,) = define(student, MODULE, "Scale")
    model = scale(3)
    assert isinstance(model, Remote)
    assert type(model).__name__ == "Scale"
    assert torch.equal(model(torch.ones(2, 3).double())[0], torch.tensor([1.0, 2, 3]).double())
    assert model.weight.tolist() == [1, 2, 3]
    assert model.squared().item() == 14
    assert [p.tolist() for p in model.parameters()] == [[1, 2, 3]]
    assert list(model.state_dict()) == ["weight"]
    model.load_state_dict({"weight": torch.zeros(3)})
    assert model.weight.tolist() == [0, 0, 0]
    with pytest.raises(AttributeError, match="has no attribute 'bias'"):
        _ = model.bias
    with pytest.raises(AttributeError, match="can't set"):
        model.weight = 3


def test_gradients_are_taken_there_and_agree_with_those_taken_here(student: Client) -> None:
    scale, loss, curve = define(student, MODULE, "Scale", "loss", "curve")
    space: dict[str, Any] = {}
    exec(MODULE, space)
    generator = torch.Generator().manual_seed(4)
    X, target = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator)
    there = checks.value_and_gradients(loss, scale(3), X, target)
    here = checks.value_and_gradients(space["loss"], space["Scale"](3), X, target)
    assert torch.equal(there.value, here.value)
    assert torch.equal(there.inputs[0]["weight"], here.inputs[0]["weight"])
    assert torch.equal(there.inputs[1], here.inputs[1])
    numbers = checks.finite_difference_gradient(lambda x: loss(scale(3), x, target), X)
    checks.check_close(there.inputs[1], numbers, "", rtol=1e-6)

    own = checks.value_and_gradients(scale(3), X, weights=torch.ones_like(X))
    assert torch.allclose(own.parameters["weight"], X.sum(dim=0))
    row = torch.tensor([0.5, 2.0])
    value, inputs, _ = checks.value_and_gradients(curve, row, weights=torch.ones(2))
    assert torch.equal(value, space["curve"](row))
    assert torch.allclose(inputs[0], row.cos() * row**2 + 2 * row * row.sin())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return x * 2", "wanted one number to differentiate"),
        ("return x.detach().sum()", "has no gradient"),
        ("return 3.0", "wanted a tensor"),
    ],
)
def test_a_function_without_a_gradient_is_told(student: Client, body: str, message: str) -> None:
    (f,) = define(student, f"def f(x): {body}", "f")
    space: dict[str, Any] = {}
    exec(f"def f(x): {body}", space)
    for function in (f, space["f"]):
        with pytest.raises(AssertionError) as caught:
            checks.value_and_gradients(function, torch.ones(2))
        assert message in str(caught.value)


def test_generators_and_the_seed_go_in(student: Client) -> None:
    source = "import torch\ndef draw(g=None): return torch.rand(2, generator=g)"
    (draw,) = define(student, source, "draw")
    assert torch.equal(
        draw(torch.Generator().manual_seed(3)),
        torch.rand(2, generator=torch.Generator().manual_seed(3)),
    )
    state = torch.get_rng_state()
    try:
        torch.manual_seed(11)
        there, more = draw(), draw()
        assert torch.equal(there, torch.rand(2))
        assert not torch.equal(there, more)
    finally:
        torch.set_rng_state(state)


def test_a_given_function_is_passed_by_its_name(student: Client) -> None:
    given = "def twice(x): return 2 * x"
    space: dict[str, Any] = {}
    exec(given, space)
    apply, _ = define(student, given + "\ndef apply(f, x): return f(x) + 1", "apply", "twice")
    student.register_given(space)
    assert apply(space["twice"], 3) == 7
    with pytest.raises(TypeError, match="a test can't pass this"):
        apply(lambda x: x, 3)


def test_a_given_function_keeps_its_name_when_a_test_has_called_it_otherwise(
    student: Client,
) -> None:
    given = "def twice(x): return 2 * x"
    space: dict[str, Any] = {}
    exec(given, space)
    space["f"] = space["twice"]  # the variable of a loop in a test before
    apply, _ = define(student, given + "\ndef apply(f, x): return f(x) + 1", "apply", "twice")
    student.register_given(space)
    assert apply(space["f"], 20) == 41


def test_what_iterates_is_listed(student: Client) -> None:
    (pairs,) = define(student, MODULE, "pairs")
    assert list(pairs()) == [1, 2]
    assert type(pairs()).__name__ == "generator"


def test_a_value_that_cannot_cross_is_an_exception_of_the_call(student: Client) -> None:
    (knot,) = define(student, "def knot():\n    a = []\n    a.append(a)\n    return a", "knot")
    with pytest.raises(ValueError, match="can't be passed on"):
        knot()
    assert define(student, "x = 1", "x") == [1]  # and the work goes on


def test_cells_are_ipythons(student: Client) -> None:
    ran = student.run("%time 1 + 1\nawait __import__('asyncio').sleep(0)\n'last'", 20)
    assert ran.error is None
    assert ran.outputs[-1]["data"]["text/plain"] == "'last'"
    assert student.run("1 / 0", 20).error == ("ZeroDivisionError", "division by zero")
    assert student.run("exit()", 20).error is None
    assert student.run("input()", 20).error == ("EOFError", "EOF when reading a line")


def test_output_is_capped(student: Client) -> None:
    ran = student.run("for i in range(3000):\n    print('x' * 1000)", 20)
    assert ran.error is None
    assert len(ran.outputs) == 1
    assert len(ran.outputs[0]["text"]) == STREAM_CHARS


def test_a_process_that_dies_or_hangs(enter: Enter) -> None:
    dying = enter()
    (die,) = define(dying, "import os\ndef die(): os._exit(3)", "die")
    with pytest.raises(WorkerLost) as gone:
        die()
    assert gone.value.how == "died"
    with pytest.raises(WorkerLost):
        die()

    hanging = enter()
    (wait,) = define(hanging, "import time\ndef wait(): time.sleep(60)", "wait")
    hanging.deadline = time.monotonic() + 0.3
    with pytest.raises(WorkerLost) as gone:
        wait()
    assert gone.value.how == "timed out"


class Hostile:
    """Answers every request with what it is told to."""

    def __init__(self, reply: Callable[[int, list[Any]], bytes]) -> None:
        ours, theirs = socket.socketpair()
        self.student = Client(ours, call_seconds=1)
        self._sock, self._reply = theirs, reply
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                data = framing.receive(self._sock, limit=LIMITS.size, deadline=None)
                number, *rest = decode(data, resolve=lambda r: r, generators=True)  # type: ignore[misc]
                if rest[0] in ("resolve", "seed"):
                    framing.send(self._sock, encode([number, "resolved", {}]), deadline=None)
                else:
                    self._sock.sendall(self._reply(number, rest))
        except (framing.Closed, OSError):
            return


def framed(value: object, **options: Any) -> bytes:
    data = value if isinstance(value, bytes) else encode(value, **options)
    return len(data).to_bytes(8, "big") + data


REPLIES: dict[str, Callable[[int, list[Any]], bytes]] = {
    "nothing known": lambda n, r: framed([n, "verdict", "passed"]),
    "another number": lambda n, r: framed([n + 1, "value", 1, {}]),
    "no list": lambda n, r: framed({"value": 1}),
    "empty list": lambda n, r: framed([]),
    "changed is no dict": lambda n, r: framed([n, "value", 1, []]),
    "changed too far": lambda n, r: framed([n, "value", 1, {5: 1}]),
    "changed below": lambda n, r: framed([n, "value", 1, {-1: 1}]),
    "changed by name": lambda n, r: framed([n, "value", 1, {"0": 1}]),
    "changed by truth": lambda n, r: framed([n, "value", 1, {True: 1}]),
    "changed dtype": lambda n, r: framed([n, "value", 1, {0: torch.zeros(2, dtype=torch.int64)}]),
    "raised no text": lambda n, r: framed([n, "raised", 1, 2]),
    "no code": lambda n, r: framed(b"\xff\xfe not a value"),
    "a frame too long": lambda n, r: (2**63).to_bytes(8, "big"),
    "half a frame": lambda n, r: (100).to_bytes(8, "big") + b"half",
    "a reference to a name": lambda n, r: framed(
        [n, "value", object(), {}], opaque=lambda _: Reference("given", 0, "torch", True)
    ),
    "a generator": lambda n, r: framed([n, "value", torch.Generator(), {}], generators=True),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_hostile_reply_ends_the_process_and_nothing_else(name: str) -> None:
    hostile = Hostile(REPLIES[name])
    hostile.student.in_place = ("f",)  # otherwise any change is a fault already
    f = hostile.student.resolve_names(["f"])["f"]
    started = time.monotonic()
    with pytest.raises(WorkerLost) as gone:
        f(torch.zeros(2))
    assert gone.value.how == ("timed out" if name == "half a frame" else "malformed")
    assert time.monotonic() - started < 10
    with pytest.raises(WorkerLost):
        f(torch.zeros(2))


def test_two_replies_to_one_request_are_noticed() -> None:
    hostile = Hostile(lambda n, r: 2 * framed([n, "value", n, {}]))
    f = hostile.student.resolve_names(["f"])["f"]
    assert f() == 3  # after "resolve" and "seed"
    with pytest.raises(WorkerLost) as gone:
        f()
    assert gone.value.how == "malformed"


def test_a_remote_pretends_to_be_nothing() -> None:
    """Whatever class name comes, the object is no value and answers for none."""
    hostile = Hostile(
        lambda n, r: framed(
            [n, "value", object(), {}], opaque=lambda _: Reference("object", 0, "Tensor", False)
        )
    )
    remote = hostile.student.resolve_names(["f"])["f"]()
    assert type(remote).__name__ == "Tensor"
    assert not isinstance(remote, torch.Tensor | np.ndarray | float | int)
    for compare in (operator.eq, operator.ne):
        for other in (torch.zeros(2), 0.0, remote):
            with pytest.raises(TypeError):
                compare(remote, other)
    for convert in (bool, float, int, len, np.float64):
        with pytest.raises((TypeError, AttributeError)):
            convert(remote)
    with pytest.raises(AssertionError):
        checks.check_close(remote, 0.0, "not a number")
    with pytest.raises(AssertionError):
        checks.check_tensor(remote, (2,), "f")


STEPS = [
    Step(0, "given", "import math"),
    Step(1, "student", "def f(x): return x + 1", "q1_f", "q1"),
    Step(2, "test", "assert f(1) == 2, 'wrong'", "q1_a_visible", "q1", False, ("f",)),
    Step(3, "test", "assert f(41) == 42, 'off by one'", "q1_b_hidden", "q1", True, ("f",)),
    Step(4, "student", "def f(x): return -x", "q2_f", "q2"),
    Step(5, "test", "assert f(1) == -1, 'sign'", "q2_a_hidden", "q2", True, ("f",)),
]


def judged(enter: Enter, steps: list[Step], **limits: float) -> Runner:
    judge = Runner(steps, enter, TimeLimits(**{"call": 5, "cell": 10, "total": 60, **limits}))
    judge.run(hidden=False)
    judge.run(hidden=True, keep_output=False)
    return judge


def test_a_test_sees_a_name_as_it_was_at_its_place(enter: Enter) -> None:
    verdicts = judged(enter, STEPS).record.verdicts
    assert list(verdicts) == ["q1_a_visible", "q1_b_hidden", "q2_a_hidden"]
    assert all(verdict.passed for verdict in verdicts.values())


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ("def f(x): return x", ["wrong", "off by one"]),
        ("def f(x): raise NotImplementedError", ["Not written yet"] * 2),
        ("def f(x): raise ValueError(x)", ["ValueError: 1", "ValueError was raised while"]),
        ("def f(x): assert False, 'off by one'", ["AssertionError: off", "AssertionError was"]),
        ("f = 3", ["TypeError: 'int' object is not callable", "TypeError was raised"]),
        ("x = 1", ["NameError: name 'f' is not defined", "NameError was raised"]),
    ],
)
def test_each_failure_has_its_message(enter: Enter, source: str, messages: list[str]) -> None:
    steps = [STEPS[0], Step(1, "student", source, "q1_f", "q1"), *STEPS[2:]]
    verdicts = judged(enter, steps).record.verdicts
    found = [verdicts["q1_a_visible"].message, verdicts["q1_b_hidden"].message]
    for message, wanted in zip(found, messages, strict=True):
        assert message.startswith(wanted)
    assert verdicts["q2_a_hidden"].passed


def test_a_tests_own_loop_ends(enter: Enter) -> None:
    loop = Step(2, "test", "while True: pass", "q1_a_visible", "q1", False, ("f",))
    record = judged(enter, [*STEPS[:2], loop, *STEPS[3:]], cell=3).record
    assert record.verdicts["q1_a_visible"].message.startswith("Stopped: q1_a_visible did not end")
    assert record.verdicts["q2_a_hidden"].passed
    assert (record.outcome, record.detail) == ("timed out", "q1_a_visible")


def test_values_are_kept_for_comparison_and_verdicts_are_not_touched(enter: Enter) -> None:
    judge = judged(enter, STEPS[:4])
    before = dict(judge.record.verdicts)
    judge.values({"q1"})
    assert judge.record.verdicts == before
    assert judge.record.values == {
        "q1": [
            ["q1_a_visible f", ["numbers ()"], [2.0]],
            ["q1_b_hidden f", ["numbers ()"], [42.0]],
        ]
    }
    judge.close()


def test_a_worker_in_this_process_answers_alike(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answers from a thread of this process, where a debugger and coverage see them."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # serve() changes them
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=Worker(shell, theirs).serve)
    thread.start()
    student = Client(ours, call_seconds=20)
    try:
        ran = student.run("print('seen')\n'shown'", 20)
        assert [output["output_type"] for output in ran.outputs] == ["stream", "execute_result"]
        assert student.run("1 / 0", 20).error == ("ZeroDivisionError", "division by zero")
        assert student.run("%matplotlib inline\nexit()", 20).error is None
        source = MODULE + (
            "five = 5\n"
            "def change(a, b, c): a.add_(1); b[0] = 9; c.append(torch); print('changed')\n"
            "def knot():\n    a = []\n    a.append(a)\n    return a\n"
            "class Mute(Exception):\n    def __str__(self): raise ValueError\n"
            "def fail(): raise Mute\n"
        )
        assert student.run(source, 20).error is None
        names = ["Scale", "loss", "pairs", "five", "change", "knot", "fail", "nothing"]
        space = student.resolve_names(names)
        assert space["five"] == 5
        a, b, c = torch.zeros(2), np.zeros(2), [1]
        student.in_place = ("change",)
        space["change"](a, b, c)
        assert (a.tolist(), b.tolist(), c[0]) == ([1, 1], [9, 0], 1)
        assert "".join(output["text"] for output in student.output()) == "changed\n"
        model = space["Scale"](3)
        assert model.weight.tolist() == [1, 2, 3]
        X = torch.ones(2, 3, dtype=torch.float64)
        found = checks.value_and_gradients(space["loss"], model, X, X)
        assert found.inputs[0]["weight"].shape == (3,)
        assert list(space["pairs"]()) == [1, 2]
        with pytest.raises(ValueError, match="can't be passed on"):
            space["knot"]()
        with pytest.raises(StudentError) as caught:
            space["fail"]()
        assert (caught.value.ename, "its text raised" in caught.value.evalue) == ("Mute", True)
        with pytest.raises(NameError):
            space["nothing"]()
    finally:
        student.close()
        thread.join(timeout=10)
    assert not thread.is_alive()


def test_changes_inside_an_argument_reach_the_same_objects(student: Client) -> None:
    source = (
        "import torch\n"
        "def change(rows, pair, table):\n"
        "    rows[0].mul_(2); rows.append(5)\n"
        "    pair[0].zero_(); pair[1][0] = 7\n"
        "    table['a'].add_(1); table['b'] = 2; del table['c']\n"
        "def grow(x): x.data = torch.ones(4)\n"
        "def swap(rows): rows[0] = 'text'\n"
    )
    change, grow, swap = define(student, source, "change", "grow", "swap")
    student.in_place = ("change", "grow", "swap", "double")
    weight, bias, entry, array = torch.ones(2), torch.ones(2), torch.ones(1), np.zeros(2)
    rows, pair, table = [weight], (bias, array), {"a": entry, "c": 0}
    change(rows, pair, table)
    assert rows[0] is weight
    assert weight.tolist() == [2, 2]
    assert rows[1] == 5
    assert bias.tolist() == [0, 0]
    assert array.tolist() == [7, 0]
    assert table["a"] is entry
    assert (entry.tolist(), table["b"], "c" in table) == ([2], 2, False)
    whole = torch.zeros(2, 2)
    student.resolve_names([])
    (double,) = define(student, "def double(x): x.add_(1)", "double")
    double(whole[0])
    assert whole.tolist() == [[1, 1], [0, 0]]  # a view changes what it is a view of
    x = torch.zeros(2)
    grow(x)
    assert x.tolist() == [1, 1, 1, 1]
    swap(rows)
    assert rows[0] == "text"


@pytest.mark.parametrize(
    "outputs",
    [
        [1, None, "text"],
        [{"output_type": 3, "text": ["a"], "name": None}],
        [{"output_type": "error", "traceback": [1, "line"], "ename": {}, "evalue": 1.0}],
        [{"output_type": "display_data", "data": {"text/plain": 3, 4: "x", "image/png": "ok"}}],
        [{"output_type": "stream", "text": 700_000 * "x"}] * 4,
    ],
)
def test_forged_outputs_arrive_as_a_little_plain_text(outputs: list[Any]) -> None:
    hostile = Hostile(lambda n, r: framed([n, "ran", outputs, None]))
    ran = hostile.student.run("1", 1)
    text = json.dumps(ran.outputs)
    assert len(text) < 1_100_000
    for output in ran.outputs:
        for key, value in output.items():
            assert isinstance(value, {"data": dict, "traceback": list}.get(key, str))


def test_what_goes_wrong_with_cells_and_time(enter: Enter) -> None:
    dies = Step(1, "student", "import os\nos._exit(0)", "q1_f", "q1")
    record = judged(enter, [STEPS[0], dies, *STEPS[2:]]).record
    assert record.notes == ["q1_f: the process died in q1_f."]
    assert record.verdicts["q1_a_visible"].message == "Not run: the process died in q1_f."
    assert record.verdicts["q2_a_hidden"].passed

    slow = Step(1, "student", "import time\ntime.sleep(60)", "q1_f", "q1")
    record = judged(enter, [STEPS[0], slow, *STEPS[2:]], total=5.0).record
    assert (record.outcome, record.detail) == ("timed out", "q1_f")
    assert "the notebook took longer than 5 seconds" in record.verdicts["q2_a_hidden"].message

    shows = Step(6, "given", "shown = f(1)", "show")
    record = judged(enter, [*STEPS, shows]).record
    assert all(verdict.passed for verdict in record.verdicts.values())
    with pytest.raises(GivenCellError, match="raised ZeroDivisionError"):
        judged(enter, [Step(0, "given", "1 / 0", "setup"), *STEPS[1:]])


def test_a_given_cell_has_a_cells_time_on_this_side_too(enter: Enter) -> None:
    endless = Step(0, "given", "while True: pass", "setup")
    with pytest.raises(GivenCellError, match=r"setup did not end within 0\.5 seconds"):
        Runner([endless, *STEPS[1:]], enter, TimeLimits(5, 0.5, 60)).run(hidden=False)

    # The other cells need to end in time, on a busy machine too.
    waits = Step(2, "given", "while f(1) != 'never': pass", "show")  # the answer's doing, then
    runner = Runner([*STEPS[:2], waits, *STEPS[2:]], enter, TimeLimits(5, 5, 60))
    runner.run(hidden=False)
    runner.close()
    assert [note.split(" did not")[0] for note in runner.record.notes] == ["show: show"]
    assert runner.record.verdicts["q1_a_visible"].passed


def test_no_lock_of_a_measurement_is_left_taken() -> None:
    """An alarm that rings inside coverage's own code waits until that is left."""
    scope: dict[str, Any] = {"__name__": "coverage.collector", "time": time, "lock": []}
    exec(
        "def measure():\n"
        "    lock.append(1)\n"
        "    until = time.monotonic() + 0.5\n"
        "    while time.monotonic() < until: pass\n"
        "    lock.pop()\n",
        scope,
    )

    def work() -> None:
        while True:
            scope["measure"]()
            for _ in range(100_000):
                pass

    with pytest.raises(runner._Overtime), runner._alarm(0.1):
        work()
    assert scope["lock"] == []


def test_a_question_whose_values_were_cut_short_is_named(enter: Enter) -> None:
    dies = Step(1, "student", "import os\ndef f(x): os._exit(0)", "q1_f", "q1")
    judge = Runner([STEPS[0], dies, *STEPS[2:]], enter, TimeLimits(5, 10, 60))
    judge.values({"q1", "q2"})
    judge.close()
    assert judge.record.lost == ["q1"]
    judge = Runner(STEPS, enter, TimeLimits(5, 10, 60))
    judge.values({"q1", "q2"})
    judge.close()
    assert judge.record.lost == []


def test_values_of_all_kinds_are_summed_up(enter: Enter) -> None:
    answer = "def f(x): return [1, 2.5, True, None, 'a', {'k': (x,)}, torch.ones(2), np.ones(3), f]"
    steps = [
        Step(0, "given", "import numpy as np, torch"),
        Step(1, "student", answer, "q1_f", "q1"),
        Step(2, "test", "f(1); f(2)", "q1_a_visible", "q1", False, ("f",)),
    ]
    judge = Runner(steps, enter, TimeLimits(5, 10, 60))
    judge.values({"q1"})
    judge.close()
    (label, structure, numbers), second = judge.record.values["q1"]
    assert label == "q1_a_visible f"
    assert numbers == [1.0, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert second[2] != numbers
    assert structure[:4] == ["sequence 9", "numbers ()", "numbers ()", "True"]
    assert structure[-1] == "function"


OWN = {"helper.py": b"two = 2", "data/points.csv": b"1,2", "random.py": b"1 / 0", "empty": b""}


def test_files_stand_in_an_own_folder_and_come_last(enter: Enter) -> None:
    """A folder that holds something else, as without a sandbox, stays as it is."""
    before = sorted(os.listdir())
    student = enter()
    student.put_files(OWN)
    source = """
import helper, os, random, stat, sys
random.random()
modes = {name: stat.S_IMODE(os.stat(name).st_mode) for name in ("helper.py", "empty")}
last, first = sys.path[-1] == os.getcwd(), sys.path.count("")
text = open("data/points.csv").read() + open("empty").read()
two, where = helper.two, os.getcwd()
"""
    names = ("modes", "last", "first", "text", "two", "where")
    modes, last, first, text, two, where = define(student, source, *names)
    student.close()
    assert modes == {"helper.py": 0o444, "empty": 0o444}
    assert (last, first, text, two) == (True, 0, "1,2", 2)
    assert sorted(os.listdir()) == before
    assert Path(where).name.startswith("grade-")
    shutil.rmtree(where)


@pytest.mark.parametrize("path", ["../up.txt", "/tmp/abs.txt", "", "a/../../b"])
def test_no_file_is_put_elsewhere(enter: Enter, path: str, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    student = enter()
    with pytest.raises(PlacingError, match="could not be put where the student's code runs"):
        student.put_files({path: b"x"})
    assert list(tmp_path.iterdir()) == []


def test_every_process_of_a_notebook_gets_the_files(enter: Enter, tmp_path: Path) -> None:
    """The second too, which runs when the first was lost."""
    starts = []

    def start() -> Client:
        starts.append(tmp_path / str(len(starts)))
        starts[-1].mkdir()
        os.chdir(starts[-1])
        return enter()

    steps = [
        Step(0, "student", "import os\ndef die(): os._exit(1)\ndef own(): return open('f').read()"),
        Step(1, "test", "die()", "q1_visible", "q1", names=("die",)),
        Step(2, "test", "assert own() == 'here'", "q2_visible", "q2", names=("own",)),
    ]
    judge = Runner(steps, start, TimeLimits(5, 10, 60), files={"f": b"here"})
    judge.run(hidden=False)
    judge.close()
    assert judge.record.verdicts["q2_visible"].passed
    assert len(starts) == 2
