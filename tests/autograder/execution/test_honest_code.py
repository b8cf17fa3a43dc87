"""What honest students do beyond the exercise: libraries, threads and processes of their own."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sklearn

from autograder.assignments.source import Assignment, find_assignments, load_assignment
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import Extra, Submission

SOLUTIONS = Path(__file__).resolve().parents[3] / "solutions"
SECURITY = SOLUTIONS.parent / "tests" / "security" / "fixture" / "ps0_security"
HIDES = {each.name: each.hide for each in find_assignments(SOLUTIONS)}
PACKAGES = [
    f"sklearn.{module.name}"
    for module in pkgutil.iter_modules(sklearn.__path__)
    if module.ispkg and not module.name.startswith("_") and module.name != "tests"
]
TIMES = {"call_seconds": 60.0, "cell_seconds": 90.0, "total_seconds": 200.0}


def printed(engine: SandboxEngine, assignment: Assignment, code: str) -> str:
    """What a student's cell prints in the sandbox."""
    extra = Extra(-1, "code", code)
    submission = Submission("s", assignment.name, assignment.answers, (extra,))
    result = engine.grade(submission, replace(assignment, **TIMES))
    assert result.notebook is not None
    assert not result.notes
    first = next(cell for cell in result.notebook["cells"] if cell["cell_type"] == "code")
    return "".join(out.get("text", "") for out in first["outputs"]).strip()


@pytest.mark.parametrize("name", HIDES)
def test_all_of_scikit_learn_can_be_imported_but_the_exercise(
    name: str, assignment: Assignment
) -> None:
    code = f"""
import importlib, json
said = {{}}
for package in {PACKAGES!r}:
    try:
        exec(f"import {{package}}")
    except ImportError as error:
        said[package] = str(error)
print(json.dumps(said))
"""
    with closing(SandboxEngine()) as engine:
        said = json.loads(printed(engine, replace(assignment, hide=HIDES[name]), code))
    hidden = {package for package in HIDES[name] if package.startswith("sklearn.")}
    assert hidden <= set(PACKAGES)
    assert said == {
        package: f"{package} is what this assignment asks you to write; "
        "it can't be imported while grading"
        for package in hidden
    }
    assert len(PACKAGES) > 20


@pytest.fixture(scope="module")
def with_torch() -> Assignment:
    """One whose template loads torch, with its pool of threads, before a child is on one core."""
    return load_assignment(SECURITY)


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


# (Set-up, the work on one thread, the same work on several.) Each is some tenths of a second.
WORK = {
    "torch on two threads": (
        "A = torch.ones(400, 400)\n"
        "def work():\n    for _ in range(60): (A @ A).relu().sum(), A.softmax(1)",
        "torch.set_num_threads(1); work()",
        "torch.set_num_threads(2); work()",
    ),
    "training on two threads": (
        "model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.Linear(128, 64))\n"
        "optimiser = torch.optim.Adam(model.parameters())\n"
        "X = torch.ones(512, 64)\n"
        "def work():\n"
        "    for _ in range(100):\n"
        "        optimiser.zero_grad(); ((model(X) - X) ** 2).mean().backward(); optimiser.step()",
        "torch.set_num_threads(1); work()",
        "torch.set_num_threads(2); work()",
    ),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def count(n): return sum(i * i for i in range(n))\n"
        "def many():\n    with ThreadPoolExecutor(8) as pool: list(pool.map(count, 8 * [600_000]))",
        "list(map(count, 8 * [600_000]))",
        "many()",
    ),
    "a pool of processes": (
        "from multiprocessing import Pool\n"
        "def count(n): return sum(i * i for i in range(n))\n"
        "def many():\n    with Pool(2) as pool: pool.map(count, 8 * [600_000])",
        "list(map(count, 8 * [600_000]))",
        "many()",
    ),
    "a data loader with workers": (
        "from torch.utils.data import DataLoader, Dataset\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "class Slow(Dataset):\n"
        "    def __len__(self): return 40\n"
        "    def __getitem__(self, i): return float(sum(j * j for j in range(400_000)) * 0 + i)\n"
        "def load(workers):\n"
        "    assert sum(float(b.sum()) for b in DataLoader(Slow(), 8, num_workers=workers)) == 780",
        "load(0)",
        "load(2)",
    ),
    "joblib": (
        "from joblib import Parallel, delayed\n"
        "def count(n): return sum(i * i for i in range(n))\n"
        "Parallel(n_jobs=2)(delayed(count)(10) for _ in range(2))  # its processes stay",
        "list(map(count, 8 * [600_000]))",
        "Parallel(n_jobs=2)(delayed(count)(600_000) for _ in range(8))",
    ),
}


@pytest.mark.parametrize("name", WORK)
def test_threads_and_processes_cost_at_most_as_much_again(
    name: str, engine: SandboxEngine, with_torch: Assignment
) -> None:
    before, alone, together = WORK[name]
    code = f"""
import time, torch
{before}
times = {{"alone": [], "together": []}}
for _ in range(3):
    began = time.perf_counter()
    {alone}
    times["alone"].append(time.perf_counter() - began)
    began = time.perf_counter()
    {together}
    times["together"].append(time.perf_counter() - began)
print(sorted(times["together"])[1] / sorted(times["alone"])[1])
"""
    assert float(printed(engine, with_torch, code)) < 2
