"""The benchmark harness: what is chosen, what is a miss, what is kept. Nothing is timed here."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
import torch

from tests.benchmarks import __main__ as command
from tests.benchmarks import problems, run
from tests.benchmarks.case import Case, FactGoal, Goal, Measured, Prepared
from tests.benchmarks.least_work import _subtract_rows, least_work
from tests.benchmarks.levels import Learner, tune
from tests.benchmarks.products import Products
from tests.benchmarks.run import Measurement, Ready, Record, report
from tests.benchmarks.to_gap import Ladder, cheapest, rounds_for, to_gap, tolerances


class Clock:
    """A clock that stands still, except for what is added to it."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def ladder(clock, settings, cost, gap, name="{}", **options):
    """Settings whose runs cost and reach what is said; `tried` lists them."""
    tried = []

    def execute(setting):
        tried.append(setting)
        clock.now += cost(setting)
        return gap(setting)

    made = Ladder(settings, execute, name.format, **options)
    return made, tried


def same(gap):
    return gap


@pytest.mark.parametrize("needed", [1, 2, 7, 8, 100, 500])
def test_the_first_setting_that_reaches_the_target_is_found(needed):
    clock = Clock()
    steps, _ = ladder(clock, range(1, 501), lambda k: k, lambda k: needed / k - 1)
    found = cheapest([steps], same, 0.0, clock=clock, longest=1e9)
    assert found.reached
    assert found.setting == needed
    assert found.seconds == needed


def test_the_cheaper_of_two_ways_is_taken():
    clock = Clock()
    slow, _ = ladder(clock, range(1, 20), lambda k: 3 * k, lambda k: 5 / k - 1, "slow {}")
    fast, _ = ladder(clock, range(1, 20), lambda k: 2 * k, lambda k: 5 / k - 1, "fast {}")
    assert str(cheapest([slow, fast], same, 0.0, clock=clock)) == "fast 5"
    assert str(cheapest([fast, slow], same, 0.0, clock=clock)) == "fast 5"


def test_a_way_that_misses_never_wins():
    clock = Clock()
    miss, _ = ladder(clock, [1], lambda k: 0.1, lambda k: 1.0, "miss {}")
    reach, _ = ladder(clock, [1], lambda k: 9.0, lambda k: 0.0, "reach {}")
    assert str(cheapest([miss, reach], same, 0.5, clock=clock)) == "reach 1"
    assert str(cheapest([reach, miss], same, 0.5, clock=clock)) == "reach 1"


def test_the_stride_bounds_the_steps():
    clock = Clock()
    short, tried = ladder(clock, range(100), lambda k: 1, lambda k: 30 - k, stride=4)
    assert cheapest([short], same, 0.0, clock=clock).setting == 30
    assert max(tried) < 34


def test_what_takes_too_long_is_not_climbed_further():
    clock = Clock()
    endless, tried = ladder(clock, range(1, 10_000), lambda k: k, lambda k: 1.0)
    found = cheapest([endless], same, 0.0, clock=clock, longest=20)
    assert not found.reached
    assert max(tried) < 100


@pytest.mark.parametrize("gap", [0.5, float("nan"), float("inf")])
def test_a_miss_is_reported(gap):
    clock = Clock()
    miss, _ = ladder(clock, [1, 2], lambda k: 30.0, lambda k: gap, "{} sweeps")
    prepared = to_gap([miss], same, 1e-6, clock=clock)
    assert "1e-06 wanted" in prepared.missed
    assert "sweeps" in prepared.missed
    assert prepared.rounds == 1
    reach, _ = ladder(clock, [1, 2], lambda k: 1.0, lambda k: 1e-7)
    prepared = to_gap([reach], same, 1e-6, clock=clock)
    assert prepared.missed is None
    assert prepared.facts == {"setting": "1", "relative gap": 1e-7}
    assert prepared.rounds is None


def test_rounds_and_tolerances():
    assert [rounds_for(seconds) for seconds in (1, 10, 100)] == [None, 2, 1]
    assert tolerances(1.0, 1e-2, 2) == pytest.approx([1, 10**-0.5, 0.1, 10**-1.5, 0.01])


def learner(clock, needed, cost):
    """Reaches the level 0 after needed[setting] samples, at so much a sample."""

    def learn(setting, samples):
        clock.now += cost[setting] * samples
        return needed[setting] - samples

    return Learner(learn, list(needed), lambda setting: 10, str)


def test_the_setting_that_is_soonest_at_the_level_wins_the_tuning():
    clock = Clock()
    made = learner(clock, {"a": 500, "b": 900, "c": 10**9}, {"a": 2.0, "b": 1.0, "c": 0.1})
    found = tune(made, float, 0.0, 5000, clock=clock, longest=1e9)
    assert found.reached
    assert found.setting == "b"
    assert 900 <= found.samples <= 1000  # bisected to a tenth


def test_a_learner_that_runs_out_of_samples_misses():
    clock = Clock()
    made = learner(clock, {"a": 10_000, "b": 8_000}, {"a": 1.0, "b": 1.0})
    found = tune(made, float, 0.0, 1000, clock=clock, longest=1e9)
    assert not found.reached
    assert (found.setting, found.samples) == ("b", 1000)


@pytest.fixture
def lasso():
    rng = np.random.default_rng(0)
    D = rng.normal(size=(6, 10))
    D /= np.linalg.norm(D, axis=0)
    return rng.normal(size=(5, 6)), D, 0.3


def test_the_certificate_is_zero_at_the_solution_and_bounds_the_rest(lasso):
    from sklearn.linear_model import Lasso

    X, D, penalty = lasso
    model = Lasso(alpha=penalty / 6, fit_intercept=False, tol=1e-14, max_iter=100_000)
    H = model.fit(D, X.T).coef_
    best = problems.objective(X, D, H, penalty)
    assert problems.duality_gap(X, D, H, penalty).max() < 1e-9
    for shift in (0.0, 0.1, -1.0):
        other = H * 0.5 + shift
        excess = problems.objective(X, D, other, penalty) - best
        assert (problems.duality_gap(X, D, other, penalty) >= excess - 1e-12).all()


def test_the_gap_of_a_problem_takes_codes_in_every_form(lasso):
    X, D, penalty = lasso
    X, D = X.astype(np.float32), D.astype(np.float32)
    H = np.random.default_rng(1).normal(size=(5, 10))
    values = problems.objective(X.astype(float), D.astype(float), H, penalty) / 1.5
    best = float(values.sum())
    problem = problems.Problem("test", "none", X, D, penalty, best, values, 0.0, 1.0, 1.0)
    for codes in (H, torch.from_numpy(H), scipy.sparse.csc_matrix(H.T)):
        assert problem.gap(codes) == pytest.approx(0.5)
        assert problem.right(codes, 0.51) == 1
        assert problem.right(codes, 0.49) == 0
    assert problem.right(np.where(np.arange(5)[:, None] == 2, np.nan, H), 0.51) == 0.8


@pytest.fixture
def photographs():
    image = torch.rand(20, 20, generator=torch.Generator().manual_seed(0))
    return SimpleNamespace(name="noise", images=[image])


def test_problems_are_made_once_and_reread(tmp_path, monkeypatch, photographs):
    monkeypatch.setattr(problems, "FOLDER", tmp_path / "problems")
    made = []

    def make():
        made.append(1)
        return {"X": np.arange(3.0), "penalty": 0.25, "kind": "test"}

    for _ in range(2):
        found = problems.cached("test", {"n": 3}, photographs, make)
        assert found["X"].tolist() == [0, 1, 2]
        assert (found["penalty"], found["kind"]) == (0.25, "test")
    assert len(made) == 1
    problems.cached("test", {"n": 4}, photographs, make)
    other = SimpleNamespace(name="noise", images=[photographs.images[0] + 1])
    problems.cached("test", {"n": 3}, other, make)
    assert len(made) == 3  # other parameters, other photographs


def test_an_interrupted_problem_leaves_no_half(tmp_path, monkeypatch, photographs):
    monkeypatch.setattr(problems, "FOLDER", tmp_path)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", interrupted)
        with pytest.raises(KeyboardInterrupt):
            problems.cached("test", {}, photographs, lambda: {"x": 1.0})
    assert list(tmp_path.iterdir()) == []
    assert problems.cached("test", {}, photographs, lambda: {"x": 2.0}) == {"x": 2.0}


def test_products_of_matrices_are_counted():
    A, B, C = torch.ones(2, 3), torch.ones(3, 4), torch.ones(2, 4)
    with Products() as products:
        A @ B
        torch.addmm(C, A, B, out=torch.empty(2, 4))
        A + 1
    assert products.flops == 2 * (2 * 2 * 3 * 4)
    assert products.replay()() > 0


def case(**options) -> Case:
    made = Case("test", "A test", {"ours": None, "peer": None, "other": None})
    return replace(made, **options)


def measured(missed=(), failed=(), rounds=2) -> Measurement:
    times = {"ours": 1.0, "peer": 4.0, "other": 2.0}
    return Measurement(
        {
            name: Record(
                Ready({"gap": 0.5}, "too far" if name in missed else None),
                [Measured(seconds, {"share": 0.9 + 0.1 * k, "ran": "cd"}) for k in range(rounds)],
            )
            for name, seconds in times.items()
            if name not in failed
        },
        dict.fromkeys(failed, "no such file"),
    )


@pytest.fixture
def judge(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)

    def judged(goal, **options):
        report(case(goals=[goal]), measured(**options))
        result = json.loads((tmp_path / "test.json").read_text())
        return result["goals"][0], result

    return judged


def test_goals_are_judged(judge):
    goal, result = judge(Goal("ours", "peer", 3.0))
    assert (goal["ratio"], goal["met"]) == (4.0, True)
    assert result["ratios"] == {"ours": 1.0, "peer": 4.0, "other": 2.0}
    assert result["facts"]["ours"] == {"gap": 0.5, "share": pytest.approx(0.95), "ran": "cd",
                                       "rounds": 2}  # fmt: skip
    assert not judge(Goal("ours", "peer", 5.0))[0]["met"]
    assert judge(FactGoal("ours", "share", at_least=0.94))[0]["met"]
    assert not judge(FactGoal("ours", "share", at_most=0.94))[0]["met"]
    assert not judge(FactGoal("ours", "speed", at_least=0.0))[0]["met"]


def test_a_miss_of_ours_misses_the_goal_and_is_said(judge, capsys):
    goal, result = judge(Goal("ours", "peer", 3.0), missed=["ours"])
    assert not goal["met"]
    assert result["missed"] == {"ours": "too far"}
    assert "ours MISSED the target: too far" in capsys.readouterr().out
    assert judge(Goal("ours", "peer", 3.0), missed=["peer"])[0]["met"]  # a lower bound is enough


def quick_case(implementations, **options):
    return Case("test", "A test", implementations, repeats=1, **options)


@pytest.fixture
def bench(tmp_path, monkeypatch, capsys):
    """Run the command on a case whose measurement is given; returns status, output, stored."""
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(command, "STORED", tmp_path / "stored")

    def go(made, measurement, *arguments):
        def measure(_):
            if isinstance(measurement, Exception):
                raise measurement
            return measurement

        monkeypatch.setattr(command, "all_cases", lambda: {"test": made})
        monkeypatch.setattr(command, "measure", measure)
        status = command.main(list(arguments))
        stored = sorted(path.name for path in (tmp_path / "stored").glob("*"))
        return status, capsys.readouterr(), stored

    return go


def test_only_store_writes_into_the_book(bench):
    assert bench(case(), measured(), "test")[2] == []
    status, _, stored = bench(case(), measured(), "te*", "--store")
    assert (status, stored) == (0, ["test.json"])


def test_a_case_without_an_implementation_of_its_goals_is_not_stored(bench):
    goal = [Goal("ours", "peer", 1.0)]
    failure = run.ImplementationFailed("test: peer failed")
    status, said, stored = bench(case(goals=goal), failure, "--store")
    assert (status, stored) == (1, [])
    assert "test is not stored" in said.err
    # One that no goal is about is left out and named.
    status, _, stored = bench(case(goals=goal), measured(failed=["other"]), "--store")
    assert (status, stored) == (1, ["test.json"])


def test_what_cannot_run_here_is_skipped_in_one_line(bench):
    made = case(unavailable=lambda: "there is no GPU here")
    status, said, stored = bench(made, AssertionError("measured"), "--store")
    assert (status, stored) == (0, [])
    assert said.out == "test: skipped, there is no GPU here\n"


@pytest.mark.parametrize("arguments", [["nothing"], ["--quick", "--store"]])
def test_wrong_arguments(bench, arguments):
    status, said, _ = bench(case(), measured(), *arguments)
    assert status == 2
    assert said.err.startswith("error: ")


def test_an_implementation_gets_as_many_threads_as_there_are_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    with run._all_cores():
        assert {run.os.environ[name] for name in run._POOLS} == {str(run.cores())}
    assert run.os.environ["OMP_NUM_THREADS"] == "7"
    assert "NUMBA_NUM_THREADS" not in run.os.environ


def test_a_prepared_implementation_says_its_facts_and_misses(monkeypatch):
    sent = []

    class Pipe:
        asked = iter([True, False])

        def send(self, message):
            sent.append(message)

        def recv(self):
            return next(self.asked)

    prepared = Prepared(lambda: Measured(3.0, {"a": 1}), {"b": 2}, "too far", 1)
    made = quick_case({"ours": lambda: prepared})
    monkeypatch.setattr(run, "all_cases", lambda: {"test": made})
    run._serve("test", "ours", Pipe())
    assert sent == [Ready({"b": 2}, "too far", 1), Measured(3.0, {"a": 1})]


def test_the_least_work_is_the_correlations_of_the_codes():
    rng = np.random.default_rng(0)
    X, D, H = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    H[rng.random(H.shape) < 0.5] = 0
    B = X @ D
    _subtract_rows(B, H, D.T @ D)
    np.testing.assert_allclose(B, (X - H @ D.T) @ D)
    assert least_work(*(torch.from_numpy(value) for value in (X, D, H)))() > 0
