"""gradekit.checks, and the facts that the first assignment states about itself."""

from __future__ import annotations

import ast
import inspect
import math
import re
import tomllib
import warnings
from collections import namedtuple
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch

from gradekit import checks
from replearn.data import load_digits

PS1 = Path(__file__).parents[2] / "solutions" / "ps1_pca"


class Agreeable(torch.Tensor):
    """A tensor that says it equals everything."""

    def __eq__(self, other):
        return torch.tensor(True)

    __hash__ = None


def nest(depth: int | None = None) -> list[object]:
    """A list in lists; in itself when no depth is given."""
    inner: list[object] = []
    if depth is None:
        inner.append(inner)
    for _ in range(depth or 0):
        inner = [inner]
    return inner


Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2, 3),
        torch.ones(2, 3, dtype=torch.int64),
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.ones(2, 3, requires_grad=True),
        torch.nn.Parameter(torch.ones(2, 3)),
        np.ones((2, 3), dtype=np.float32),
        [[1.0, 1, np.float32(1)], [torch.tensor(1.0), np.ones(()), 1]],
        (torch.ones(3), np.ones(3)),
        [[1.0, 1.0, 1.0]] * 2,
    ],
)
def test_check_tensor_returns_a_plain_float64_copy(value):
    kept = checks.check_tensor(value, (2, 3), "f")
    assert type(kept) is torch.Tensor
    assert kept.dtype == torch.float64
    assert not kept.requires_grad
    assert torch.equal(kept, torch.ones(2, 3, dtype=torch.float64))


def test_check_tensor_shares_no_memory_with_the_answer():
    answer = torch.ones(2, dtype=torch.float64)
    kept = checks.check_tensor(answer, (2,), "f")
    answer[0] = 7.0
    assert kept.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "centre returned None: did you forget the return?"),
        (torch.zeros(3), "centre returned a tensor of shape (3,); wanted (5, 3)"),
        ([1.0], "centre returned a list of 1; wanted a tensor of shape (5, 3)"),
        ([], "centre returned a list of 0; wanted a tensor of shape (5, 3)"),
        ([torch.ones(3), torch.ones(2)], "a list of 2, its parts of different shapes; wanted a"),
        ([[1.0, "2"]] * 5, "a list of 5, not all of them numbers (one is a str); wanted a tensor"),
        ([[True] * 3] * 5, "not all of them numbers (one is a bool); wanted a tensor of shape"),
        ([1.0, None], "a list of 2, not all of them numbers (one is None); wanted a tensor of"),
        ([np.complex128(1j)], "not all of them numbers (one is a complex number); wanted a tensor"),
        (nest(), "centre returned a list of 1, in which a list holds itself; wanted a tensor of"),
        (nest(depth=5000), "centre returned a list of 1, nested more than 32 deep; wanted a"),
        (1.0, "centre returned a number; wanted a tensor of shape (5, 3)"),
        (np.float32(1), "centre returned a number; wanted a tensor of shape (5, 3)"),
        (np.ones(3), "centre returned an array of shape (3,); wanted a tensor of shape (5, 3)"),
        ([[10**400] * 3] * 5, "15 of 15 entries that are NaN or infinite"),
        (torch.zeros(5, 3).as_subclass(Agreeable), "returned an Agreeable; wanted a tensor"),
        (np.ma.ones((5, 3)), "returned a MaskedArray; wanted a tensor"),
        (np.full((5, 3), None), "an array of shape (5, 3) of Python objects; wanted a tensor"),
        (np.ones((5, 3), dtype=bool), "an array of shape (5, 3) of truth values; wanted a tensor"),
        (torch.ones(5, 3, dtype=torch.bool), "a tensor of shape (5, 3) of truth values; wanted"),
        (torch.ones(5, 3) * 1j, "a tensor of shape (5, 3) of complex numbers; wanted a tensor"),
        (torch.ones(5, 3).to_sparse(), "centre returned a sparse tensor of shape (5, 3); wanted a"),
        (torch.ones(5, 3, device="meta"), "of shape (5, 3) on the meta device, which holds no num"),
        (torch.full((5, 3), math.nan), "15 of 15 entries that are NaN or infinite"),
        (torch.full((5, 3), math.inf), "15 of 15 entries that are NaN or infinite"),
    ],
)
def test_check_tensor_says_what_came_back(value, sentence):
    with pytest.raises(AssertionError, match=re.escape(sentence)):
        checks.check_tensor(value, (5, 3), "centre")
    with pytest.raises(AssertionError, match=r"^only this$"):
        checks.check_tensor(value, (5, 3), "centre", message="only this")


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2), np.int64(2), torch.tensor(2.0), torch.tensor([[2]])]
)
def test_check_number_and_integer_accept_one_number(value):
    assert checks.check_number(value, "f") == 2.0
    assert checks.check_integer(value, "f") == 2


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "f returned None: did you forget the return?"),
        (True, "f returned a bool; wanted one number"),
        ("2", "f returned a str; wanted one number"),
        (2 + 0j, "f returned a complex number; wanted one number"),
        (torch.zeros(2), "f returned a tensor of shape (2,); wanted one number"),
        (math.nan, "f returned nan; wanted a finite number"),
    ],
)
def test_check_number_refuses(value, sentence):
    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}$"):
        checks.check_number(value, "f")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "a nested tensor"),
        (
            lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8),
            "a quantised tensor of shape (3,)",
        ),
        (lambda: torch.ones(3).to_sparse(), "a sparse tensor of shape (3,)"),
    ],
)
def test_an_odd_tensor_is_named_and_no_error_of_torch(make, what):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls them a prototype, or deprecated
        value = make()
    for check in (
        checks.check_number,
        lambda value, name: checks.check_tensor(value, (3,), name),
        lambda value, name: checks.check_tuple(value, ["a", "b", "c"], name),
    ):
        with pytest.raises(AssertionError, match=f"^f returned {re.escape(what)}; wanted"):
            check(value, "f")
    with pytest.raises(AssertionError, match=r"^the sentence$"):
        checks.check_close(value, torch.ones(3), "the sentence")


@pytest.mark.parametrize("value", [3, 3.0, [3], (3.0,), torch.tensor([[3]]), np.array([3.0])])
def test_one_rule_for_what_is_one_number(value):
    """What check_number takes for 3, check_close takes for 3."""
    assert checks.check_number(value, "f") == 3.0
    checks.check_close(value, 3.0, "no")
    checks.check_close(value, torch.tensor(3.0), "no")
    with pytest.raises(AssertionError, match=r"^far$"):
        checks.check_close(value, 2.0, "far")
    with pytest.raises(AssertionError, match=r"^a shape counts$"):
        checks.check_close(value, torch.full((1, 1, 1), 3.0), "a shape counts")


@pytest.mark.parametrize(
    "value", [2**53 + 1, [2**53 + 1], torch.tensor(2**53 + 1), np.int64(2**53 + 1)]
)
def test_check_integer_keeps_every_digit(value):
    assert checks.check_integer(value, "f") == 2**53 + 1


def test_check_integer_says_every_digit():
    with pytest.raises(AssertionError, match=r"^f returned 2\.9999999999; wanted a whole number$"):
        checks.check_integer(2.9999999999, "f")


@pytest.mark.parametrize(
    "value",
    [
        torch.linalg.eigh(torch.eye(2)),
        np.linalg.eigh(np.eye(2)),
        torch.eye(2).max(dim=0),
        torch.eye(2).sort(),
        torch.Size([2, 3]),
        Pair(1, 2),
    ],
)
def test_any_kind_of_tuple_is_the_tuple_of_its_parts(value):
    found = checks.check_tuple(value, ["a", "b"], "f")
    assert type(found) is tuple
    assert all(mine is own for mine, own in zip(found, value, strict=True))
    with pytest.raises(AssertionError, match=r"^f returned a tuple of 2; wanted the 3 values"):
        checks.check_tuple(value, ["a", "b", "c"], "f")


def test_a_tuple_is_not_asked_for_its_parts():
    """Its class may be the student's, and say what it likes."""

    class Sly(tuple):
        def __iter__(self):
            return iter([7, 7])

        def __len__(self):
            return 2

    assert checks.check_tuple(Sly((1, 2)), ["a", "b"], "f") == (1, 2)
    assert checks.check_tensor(Sly((1, 2)), (2,), "f").tolist() == [1, 2]
    with pytest.raises(AssertionError, match="returned a tuple of 3"):
        checks.check_tuple(Sly((1, 2, 3)), ["a", "b"], "f")


def test_a_tensor_that_does_not_cross_is_told_from_one_that_was_wanted():
    away = type("Tensor", (), {})()
    with pytest.raises(
        AssertionError, match=r"^f returned a tensor of a rare kind, as sparse ones"
    ):
        checks.check_tensor(away, (3,), "f")


def test_a_namedtuple_in_another_process_is_asked_for_there():
    class Remote:
        def _parts(self):
            return [1, 2]

    class NoTuple(Remote):
        def _parts(self):
            return None

    assert checks.check_tuple(Remote(), ["a", "b"], "f") == (1, 2)
    assert checks.check_tensor(Remote(), (2,), "f").tolist() == [1, 2]
    checks.check_close(Remote(), [1, 2], "no")
    with pytest.raises(AssertionError, match="f returned a NoTuple; wanted the 2 values"):
        checks.check_tuple(NoTuple(), ["a", "b"], "f")


def test_check_integer_refuses_a_fraction():
    with pytest.raises(AssertionError, match=r"^f returned 2\.5; wanted a whole number$"):
        checks.check_integer(2.5, "f")


def test_check_tuple():
    assert checks.check_tuple([1, 2], ["W", "D"], "f") == (1, 2)
    assert checks.check_tuple(torch.tensor([1, 2]), ["W", "D"], "f") == (1, 2)
    rows = checks.check_tuple(np.eye(2), ["W", "D"], "f")
    assert [row.tolist() for row in rows] == [[1, 0], [0, 1]]
    with pytest.raises(AssertionError, match=r"^f returned None: did you forget the return\?$"):
        checks.check_tuple(None, ["W", "D"], "f")
    with pytest.raises(
        AssertionError, match=r"^f returned a tensor of shape \(3,\); wanted the 2 values \(W, D\)$"
    ):
        checks.check_tuple(torch.zeros(3), ["W", "D"], "f")
    with pytest.raises(AssertionError, match=r"^f returned an array of shape \(\); wanted the 2"):
        checks.check_tuple(np.zeros(()), ["W", "D"], "f")
    with pytest.raises(AssertionError, match=r"^f returned a tuple of 3; wanted the 2 values"):
        checks.check_tuple((1, 2, 3), ["W", "D"], "f")
    with pytest.raises(AssertionError, match=r"^hidden$"):
        checks.check_tuple((1, 2, 3), ["W", "D"], "f", message="hidden")


def test_check_tuple_keeps_a_long_message_short():
    parts = [f"e {k + 1}" for k in range(30)]
    with pytest.raises(
        AssertionError,
        match=r"^f returned a list of 2; wanted the 30 values \(e 1, e 2, \.\.\., e 30\)$",
    ):
        checks.check_tuple([1, 2], parts, "f")
    with pytest.raises(
        AssertionError,
        match=r"^f returned a tensor of shape \(31,\); wanted a list of 30 numbers$",
    ):
        checks.check_tuple(torch.zeros(31), parts, "f", wanted="a list of 30 numbers")


def test_check_close_is_relative_to_the_largest_expected_entry():
    checks.check_close(torch.tensor([1e-9, 1.0]), torch.tensor([0.0, 1.0]), "no")
    with pytest.raises(AssertionError, match=r"^far$"):
        checks.check_close(torch.tensor([1e-7, 1.0]), torch.tensor([0.0, 1.0]), "far")
    with pytest.raises(AssertionError, match=r"^far$"):
        checks.check_close(1e-12, 0.0, "far")
    checks.check_close(1e-12, 0.0, "no", atol=1e-11)
    checks.check_close(torch.zeros(0, 2), torch.zeros(0, 2), "empty tensors of one shape agree")


@pytest.mark.parametrize(
    "actual",
    [
        None,
        "1",
        True,
        torch.ones(1),  # broadcasting would let it through
        torch.full((2,), math.nan),
        torch.ones(2).as_subclass(Agreeable),
    ],
)
def test_check_close_fails_with_its_sentence_alone(actual):
    with pytest.raises(AssertionError, match=r"^the sentence$"):
        checks.check_close(actual, torch.ones(2), "the sentence", atol=10.0)


def test_check_close_refuses_a_broken_test():
    with pytest.raises(ValueError, match="expected must be finite numbers, got a list of 2"):
        checks.check_close(torch.ones(2), [1.0, "1"], "never said")
    with pytest.raises(ValueError, match="expected must be finite numbers"):
        checks.check_close(torch.ones(1), torch.tensor([math.nan]), "never said")


def test_check_not_close_recognises_the_known_mistake():
    with pytest.raises(AssertionError, match=r"^did you divide by n twice\?$"):
        checks.check_not_close(0.25, 0.25 * (1 + 1e-9), "did you divide by n twice?")
    checks.check_not_close(1.0, 0.25, "no")
    checks.check_not_close(None, 0.25, "no")
    checks.check_not_close(torch.ones(3), torch.ones(2), "no")


def test_finite_difference_gradient_is_exact_for_a_quadratic():
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    x = torch.randn(2, 3, dtype=torch.float64, generator=generator)
    found = checks.finite_difference_gradient(lambda v: v.flatten() @ A @ v.flatten(), x, step=0.5)
    expected = ((A + A.T) @ x.flatten()).reshape(2, 3)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_finite_difference_gradient_agrees_with_autograd():
    x = torch.tensor([0.3, -1.2], dtype=torch.float64, requires_grad=True)
    torch.sin(x).prod().backward()
    found = checks.finite_difference_gradient(lambda v: torch.sin(v).prod(), x, step=1e-4)
    # The truncation error is of order step**2 = 1e-8.
    assert torch.allclose(found, x.grad, rtol=0, atol=1e-7)
    with pytest.raises(ValueError, match="step must be a positive number, got 0"):
        checks.finite_difference_gradient(lambda v: v.sum(), x, step=0)


def test_grading_generator_keeps_every_bit_of_the_seed(monkeypatch):
    """torch's own seeding keeps 32: seeds that differ above gave the same numbers."""

    def drawn(seed: int) -> tuple[float, ...]:
        monkeypatch.setenv(checks.SEED_VARIABLE, str(seed))
        return tuple(torch.rand(4, generator=checks.grading_generator(5)).tolist())

    seeds = [3, 3 + 2**32, 3 + 2**63, 3 + 2**64, 3 + 2**100]
    assert len({drawn(seed) for seed in seeds}) == len(seeds)


def test_grading_generator_starts_from_the_mixed_words_and_no_others(monkeypatch):
    """An independent twister, started with the same words, draws the same numbers."""
    monkeypatch.setenv(checks.SEED_VARIABLE, str(12 + 2**70))
    ours = checks.grading_generator(7)
    words = np.random.SeedSequence([12 + 2**70, 7]).generate_state(624, np.uint32)
    twister = np.random.MT19937()
    twister.state = {
        "bit_generator": "MT19937",
        "state": {"key": words, "pos": 624},
    }
    wanted = twister.random_raw(6) % 2**24 / 2**24  # how torch makes float32 of 32 bits
    drawn = torch.rand(6, generator=ours).numpy()
    np.testing.assert_array_equal(drawn, wanted.astype(np.float32))


def test_grading_generator_repeats_and_follows_the_seed(monkeypatch):
    def draw(salt):
        return float(torch.rand(1, generator=checks.grading_generator(salt)))

    monkeypatch.delenv(checks.SEED_VARIABLE, raising=False)
    default = draw(1)
    assert default == draw(1)
    assert default != draw(2)
    monkeypatch.setenv(checks.SEED_VARIABLE, "0")
    assert default == draw(1)
    monkeypatch.setenv(checks.SEED_VARIABLE, "12")
    assert default != draw(1)
    for bad in ("-3", "twelve"):
        monkeypatch.setenv(checks.SEED_VARIABLE, bad)
        with pytest.raises(ValueError, match="REPLEARN_GRADING_SEED must be an integer >= 0, got"):
            draw(1)


# --- what the assignment says about itself -----------------------------------------------------


@pytest.fixture(scope="module")
def cells():
    notebook = jupytext.read(PS1 / "ps1_pca.md")
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells}


@pytest.fixture(scope="module")
def declared():
    return tomllib.loads((PS1 / "assignment.toml").read_text())


def points_of(cells, question):
    return sum(
        cell.metadata["nbgrader"].get("points", 0)
        for name, cell in cells.items()
        if name.split("_")[0] == question
    )


def test_targets_are_what_scikit_learn_finds(cells):
    from sklearn.decomposition import PCA

    setup = cells["setup"].source
    tree = ast.parse(setup)
    (targets,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TARGETS"
    ]
    X = load_digits().X.double().numpy()
    n = len(X)
    # scikit-learn divides by n - 1, the assignment by n.
    variances = PCA().fit(X).explained_variance_ * (n - 1) / n
    assert targets == {
        "largest mean of a pixel": pytest.approx(X.mean(axis=0).max(), abs=6e-7),
        "total variance": pytest.approx(variances.sum(), abs=6e-7),
        "variance along the first direction": pytest.approx(variances[0], abs=6e-7),
        "error with 10 directions": pytest.approx(variances[10:].sum(), abs=6e-7),
    }
    assert f"# {n:,} images" in setup


def test_headings_and_opening_state_points(cells, declared):
    for number, (question, facts) in enumerate(declared["questions"].items(), start=1):
        assert question == f"q{number}"
        first = cells[f"{question}_text"].source.splitlines()[0]
        stated = re.fullmatch(r"## Question (\d+): (.*) \((\d+) points(, graded by hand)?\)", first)
        assert stated, first
        assert int(stated[1]) == number
        assert stated[2].lower() == facts["title"].lower()
        assert int(stated[3]) == points_of(cells, question)
    total = sum(points_of(cells, question) for question in declared["questions"])
    assert f"worth {total} points" in cells["intro"].source


def test_declared_names_are_the_functions_of_the_solution_cells(cells, declared):
    for question, facts in declared["questions"].items():
        defined = [
            node.name
            for name, cell in cells.items()
            if name.split("_")[0] == question and cell.metadata["nbgrader"]["solution"]
            if cell.cell_type == "code"
            for node in ast.parse(cell.source).body
            if isinstance(node, ast.FunctionDef)
        ]
        assert defined == facts["names"]


def test_hidden_tests_say_an_authors_sentence_and_no_values(cells):
    hidden = {name: cell for name, cell in cells.items() if name.endswith("_hidden")}
    assert len(hidden) >= 10
    for name, cell in hidden.items():
        tree = ast.parse(cell.source)
        sentences = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "message"
        ]
        assert sentences, name
        assert all(isinstance(sentence, ast.Constant) for sentence in sentences), name
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                assert getattr(node.msg, "id", "") == "message", name
            called = getattr(node, "func", None)
            if isinstance(called, ast.Attribute) and called.attr.startswith("check_"):
                given = [*node.args, *(k.value for k in node.keywords if k.arg == "message")]
                assert any(getattr(value, "id", "") == "message" for value in given), name


def test_opening_names_the_modules_that_grading_hides(cells, declared):
    (sentence,) = re.findall(r"A finished PCA is not: (.*?) cannot be", cells["intro"].source)
    assert sorted(re.findall(r"`([^`]+)`", sentence)) == sorted(declared["hide"])


def run(cells, *names, **replaced):
    """Run the setup and the named cells, some of them with another text; return the names."""
    namespace = {}
    for name in ("setup", *names):
        exec(replaced.get(name, cells[name].source), namespace)
    return namespace


def test_opening_states_the_sizes_of_the_hidden_inputs(cells):
    (low_n, high_n, low_d, high_d), (low_v, high_v) = (
        [int(number) for number in re.search(pattern, cells["intro"].source).groups()]
        for pattern in (
            r"have (\d+) to (\d+) samples of (\d+) to (\d+) coordinates each, "
            r"except in question 7, where two samples have 100,000 coordinates, and in question 2, "
            r"where the summary of a part may stand for 999,999 samples\.\n"
            r"A single sample comes only in questions 1, 2, 4 and 7",
            r"`choose_dimension` gets (\d+) to (\d+) variances",
        )
    )
    seen, lengths = set(), set()

    def recorded(question, function):
        def call(*arguments):
            bound = inspect.signature(function).bind(*arguments).arguments
            for name, value in bound.items():
                if name in ("X", "Xc") and tuple(value.shape) != (2, 100_000):
                    seen.add((question, *value.shape))
                if name in ("n1", "n2") and value != 999_999:
                    seen.add((question, value, len(bound["mu1"])))
                if name == "variances":
                    lengths.add(len(value))
            return function(*arguments)

        return call

    for question in [f"q{k}" for k in (1, 2, 3, 4, 5, 6, 7, 8, 10)]:
        own = [cell for name, cell in cells.items() if name.split("_")[0] == question]
        namespace = run(cells)
        for cell in own:
            facts = cell.metadata["nbgrader"]
            if cell.cell_type == "code" and facts["solution"]:
                exec(cell.source, namespace)
                for node in ast.parse(cell.source).body:
                    namespace[node.name] = recorded(question, namespace[node.name])
            elif facts["grade_id"].endswith("_hidden"):
                exec(cell.source, namespace)
    assert {question for question, n, _ in seen if n == 1} == {"q1", "q2", "q4", "q7"}
    assert (min(n for _, n, _ in seen), max(n for _, n, _ in seen)) == (low_n, high_n)
    assert (min(d for *_, d in seen), max(d for *_, d in seen)) == (low_d, high_d)
    assert (min(lengths), max(lengths)) == (low_v, high_v)


PRODUCTS = """
def codes_from_products(G, m):
    G = {centred}
    squares, U = torch.linalg.eigh(G)
    squares, U = {order}
    return U * squares.sqrt(), squares / {number}
"""
CENTRED = "G - G.mean(dim=0) - G.mean(dim=1, keepdim=True) + G.mean()"
DOWN, UP = "squares.flip(0)[:m], U.flip(1)[:, :m]", "squares[-m:], U[:, -m:]"
ALTERNATE = """
def alternate(Xc, D, penalty, iterations):
    values = []
    for _ in range(iterations):
        H = update_codes(Xc, D, penalty)
        {early}
        D = update_dictionary(Xc, H, penalty)
        {late}
    return H, D, {values}
"""
RECORD = (
    "values.append(float((((Xc - H @ D.T) ** 2).sum() + penalty * (H ** 2).sum()) / len(Xc)"
    " + penalty * (D ** 2).sum()))"
)


@pytest.mark.parametrize(
    ("answer", "text", "test", "sentence"),
    [
        (
            "q3_codes",
            PRODUCTS.format(centred=CENTRED, order=UP, number="len(G)"),
            "q3_variances_visible",
            "smallest variance first",
        ),
        (
            "q3_codes",
            PRODUCTS.format(centred="G", order=DOWN, number="len(G)"),
            "q3_variances_visible",
            "the mean is still in there",
        ),
        (
            "q3_codes",
            PRODUCTS.format(centred=CENTRED, order=DOWN, number="(len(G) - 1)"),
            "q3_variances_visible",
            "this divides by n - 1",
        ),
        (
            "q3_codes",
            PRODUCTS.format(centred=CENTRED, order=DOWN, number="3"),
            "q3_variances_visible",
            "the variances are wrong: they belong to the inner products",
        ),
        (
            "q8_alternation",
            ALTERNATE.format(early=RECORD, late="", values="values"),
            "q8_alternation_visible",
            "record it at the end of the iteration",
        ),
        (
            "q8_alternation",
            ALTERNATE.format(early=RECORD, late=RECORD, values="torch.tensor(values)"),
            "q8_alternation_visible",
            "objectives from alternate returned a tensor of shape (80,); wanted a list of 40",
        ),
    ],
)
def test_visible_tests_name_the_mistake(cells, answer, text, test, sentence):
    steps = ["q8_steps"] if answer == "q8_alternation" else []
    run(cells, *steps, answer, test)
    with pytest.raises(AssertionError, match=re.escape(sentence)):
        run(cells, *steps, answer, test, **{answer: text})
