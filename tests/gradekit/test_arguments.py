"""Arguments that must stay as they were: in a notebook's test cells, and what counts as changed."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gradekit import checks
from gradekit.arguments import ArgumentChanged, compare_arguments, differs, snapshot, unchanging

SAME: list[Any] = [
    torch.tensor([math.nan, 1.0]),
    np.array([math.nan, math.inf]),
    [torch.tensor([math.nan]), (1, {"a": np.zeros(2)})],
    torch.tensor([True, False]),
    torch.zeros(0),
    np.array(["a", "b"]),
    "text",
    7,
    None,
    torch.nn.Linear(1, 1),
]


@pytest.mark.parametrize("value", SAME, ids=lambda value: type(value).__name__)
def test_what_nobody_touched_is_the_same(value: Any) -> None:
    assert not differs(value, snapshot(value))


CHANGES: dict[str, tuple[Any, Callable[[Any], object]]] = {
    "tensor": (torch.zeros(2), lambda x: x.add_(1)),
    "to NaN": (torch.zeros(2), lambda x: x.fill_(math.nan)),
    "from NaN": (torch.full((2,), math.nan), lambda x: x.zero_()),
    "shape": (torch.zeros(1, 2), lambda x: x.squeeze_()),
    "array": (np.zeros(2), lambda x: x.fill(1)),
    "order": ([1, 2], lambda x: x.reverse()),
    "length": ([1, 2], lambda x: x.append(3)),
    "inside": ([[torch.zeros(2)]], lambda x: x[0][0].add_(1)),
    "key": ({"a": 1}, lambda x: x.update(b=2)),
    "parameter": (torch.nn.Parameter(torch.zeros(2)), lambda x: x.data.add_(1)),
    "dtype of an array": ([np.zeros(2)], lambda x: x.__setitem__(0, np.zeros(2, int))),
    "to something else": ([1], lambda x: x.__setitem__(0, {object(): 1})),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(name: str) -> None:
    value, change = CHANGES[name]
    before = snapshot(value)
    change(value)
    assert differs(value, before)


def test_a_function_that_changes_an_argument_raises_after_its_call() -> None:
    def f(x: torch.Tensor, y: Any = None, *, z: Any = None) -> torch.Tensor:
        for value in (y, z):
            if value is not None:
                value.add_(1)
        return x + 1

    one = unchanging(f, "f")
    x = torch.zeros(2)
    assert one(x).tolist() == [1, 1]
    with pytest.raises(ArgumentChanged, match=r"^f changed its second argument in place: what it"):
        one(x, x.clone())
    with pytest.raises(ArgumentChanged, match=r"^f changed its argument z in place"):
        one(x, z=x.clone())


def test_a_gradient_left_on_an_argument_is_a_change() -> None:
    def slope(x: torch.Tensor) -> Any:
        x.requires_grad_()
        (x**2).sum().backward()
        return x.grad

    def own_slope(x: torch.Tensor) -> Any:
        return slope(x.detach().clone())

    def at_once(x: torch.Tensor) -> Any:
        return torch.autograd.grad((x.requires_grad_() ** 2).sum(), x)[0]

    for function in (own_slope, at_once):
        assert unchanging(function, "function")(torch.ones(2)).tolist() == [2, 2]
    with pytest.raises(
        ArgumentChanged, match=r"^slope left a gradient on its first argument: diff"
    ):
        unchanging(slope, "slope")(torch.ones(2))
    has_one = torch.ones(2)
    slope(has_one)
    assert not differs(has_one, snapshot(has_one))


def backward(leaves: list[torch.Tensor]) -> None:
    for leaf in leaves:
        leaf.requires_grad_()
    torch.stack([(leaf**2).sum() for leaf in leaves]).sum().backward()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda leaf: [leaf],
        lambda leaf: (1, {"a": [leaf]}),
        lambda leaf: torch.nn.Parameter(leaf),
    ],
)
def test_a_gradient_left_inside_an_argument_is_a_change(wrap: Callable[[Any], Any]) -> None:
    leaf = torch.ones(2)
    value = wrap(leaf)
    leaf = value if isinstance(value, torch.nn.Parameter) else leaf

    def f(value: Any) -> None:
        backward([leaf])

    with pytest.raises(ArgumentChanged, match=r"^f left a gradient on its first argument: diff"):
        unchanging(f, "f")(value)
    before = snapshot(value)
    assert not differs(value, before)
    backward([leaf])  # now there is more of it
    assert differs(value, before)


def test_a_function_that_raises_is_compared_too() -> None:
    def f(x: list[int], *, y: list[int]) -> None:
        y.append(1)
        raise ValueError("own")

    with pytest.raises(ArgumentChanged, match=r"argument y in place.* \(and then raised ValueErr"):
        unchanging(f, "f")([], y=[])
    with pytest.raises(ValueError, match="own"):
        unchanging(lambda x: f(x, y=[]), "g")([])


def test_gradients_are_asked_of_a_function_that_keeps_its_arguments() -> None:
    def f(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        labels.add_(1)
        return (x**2).sum()

    with pytest.raises(ArgumentChanged, match=r"^f changed its second argument in place"):
        checks.value_and_gradients(f, torch.ones(2), torch.ones(2, dtype=torch.int64))


NOT_COMPARED: dict[str, Callable[[], Any]] = {
    "sparse": lambda: torch.eye(2).to_sparse(),
    "sparse rows": lambda: torch.eye(2).to_sparse_csr(),
    "meta": lambda: torch.zeros(2, device="meta"),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
    "objects": lambda: np.array([object(), np.ones(3)], dtype=object),
    "sparse in a list": lambda: [torch.eye(2).to_sparse()],
    "set": lambda: {"a": {1, 2}},
}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support", "ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("make", NOT_COMPARED.values(), ids=NOT_COMPARED)
def test_what_has_no_numbers_to_compare_is_left_alone(make: Callable[[], Any]) -> None:
    assert unchanging(lambda x: 1, "f")(make()) == 1


def test_a_function_may_be_called_inside_a_transform_of_torchs() -> None:
    own = unchanging(lambda x: (x**2).sum(), "f")
    x = torch.arange(3.0)
    assert torch.func.vmap(own)(x).tolist() == [0, 1, 4]
    assert torch.func.grad(own)(x).tolist() == [0, 2, 4]


def test_a_late_argument_is_called_by_its_number() -> None:
    assert str(ArgumentChanged("f", 8)).startswith("f changed its argument 9 in place")


class Notebook:
    """A kernel's shell as far as compare_arguments uses it; each cell has a file name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, kernel: bool = True) -> None:
        self.user_ns: dict[str, Any] = {"__name__": "__main__"}
        self.user_ns_hidden: dict[str, Any] = {}
        self.ast_transformers: list[Any] = []
        self.kernel = object() if kernel else None
        self.cells = 0
        fake = SimpleNamespace(get_ipython=lambda: self)
        monkeypatch.setitem(__import__("sys").modules, "IPython", fake)

    def run(self, source: str) -> None:
        tree = ast.parse(source)
        for transformer in self.ast_transformers:
            tree = transformer.visit(tree)
        self.cells += 1
        exec(compile(tree, f"<cell {self.cells}>", "exec"), self.user_ns)


SETUP = """
import torch
from gradekit import checks
def given(x): x.add_(1)
"""
ANSWER = """
def half(x):
    x.mul_(0.5)
    return x
def push(values, value):
    values.append(value)
"""
TEST = "checks.check_close(half(torch.ones(1)), torch.tensor([0.5]), 'half is wrong')"


def test_test_cells_of_a_notebook_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    notebook.run(SETUP)
    compare_arguments()
    notebook.run(ANSWER)
    with pytest.raises(ArgumentChanged, match=r"^half changed its first argument"):
        notebook.run(TEST)
    notebook.run("x = torch.ones(1); half(x); assert x == 0.5")  # no test: the student's own cell
    notebook.run("x = torch.ones(1); given(x); checks.check_close(x, torch.tensor([2.0]), '')")
    own = "def grow(x): x.add_(1)\nx = torch.ones(1)\ngrow(x)\nchecks.check_number(x, '')"
    notebook.run(own)
    notebook.run("checks.check_number(len([1]), '')")


def test_a_question_opts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    notebook.run(SETUP)
    compare_arguments(in_place=["push"])
    compare_arguments(in_place=["push"])  # the setup cell is run again
    assert len(notebook.ast_transformers) == 1
    notebook.run(ANSWER)
    notebook.run("v = []\npush(v, 1)\nchecks.check_number(v[0], '')")
    with pytest.raises(ArgumentChanged):
        notebook.run(TEST)


METHODS = """
class Box:
    def __init__(self, start): start.add_(1)
    def put(self, x): x.add_(1)
    def __call__(self, x): x.add_(1)
    @staticmethod
    def fill(x): x.add_(1)
class Momentum:
    def step(self, x): x.add_(1)
import functools
cached = functools.cache(half)
renamed = push
shorter = lambda values, value: values.append(value)
"""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Box(torch.ones(1))", "Box changed its first argument"),
        ("box.put(torch.ones(1))", "Box.put changed its first argument"),
        ("box(torch.ones(1))", "box changed its first argument"),
        ("box.fill(torch.ones(1))", "fill changed its first argument"),
        ("cached(torch.ones(1))", "cached changed its first argument"),
        ("checks.finite_difference_gradient(half, torch.ones(1))", "half changed its first"),
        ("Momentum().step(torch.ones(1))", ""),
        ("renamed([], 1)", ""),
        ("shorter([], 1)", ""),
        ("push([], 1)", ""),
        ("torch.ones(1).add_(1)", ""),
        ("given(torch.ones(1))", ""),
        ("made.grow(torch.ones(1))", ""),
    ],
)
def test_every_way_of_calling_is_compared_or_opted_out(
    monkeypatch: pytest.MonkeyPatch, call: str, message: str
) -> None:
    notebook = Notebook(monkeypatch)
    notebook.run(f"{SETUP}\nclass Given:\n    def grow(self, x): x.add_(1)\nmade = Given()")
    compare_arguments(in_place=["Momentum", "push", "renamed", "shorter"])
    notebook.run(ANSWER)
    notebook.run(METHODS)
    notebook.run("box = Box.__new__(Box)")
    test = f"{call}\nchecks.check_number(1, '')"
    if message:
        with pytest.raises(ArgumentChanged, match=rf"^{re.escape(message)}"):
            notebook.run(test)
    else:
        notebook.run(test)


def test_the_setup_cell_may_be_run_again_after_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    for _ in range(2):
        notebook.run(SETUP)
        compare_arguments()
        if notebook.cells == 1:
            notebook.run(ANSWER)
    with pytest.raises(ArgumentChanged, match=r"^half changed its first argument"):
        notebook.run(TEST)
    notebook.run("x = torch.ones(1); given(x); checks.check_close(x, torch.tensor([2.0]), '')")


def test_outside_of_a_notebook_nothing_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Notebook(monkeypatch, kernel=False)
    compare_arguments()
    assert (shell.ast_transformers, list(shell.user_ns)) == ([], ["__name__"])
