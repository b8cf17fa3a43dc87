"""What the page of speeds says in words, tied to the stored results that it rests on.

``{measured}`name``` at the end of a sentence shows nothing. It is an error where the results do not
bear the sentence out, or are not stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

Case = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """A comparison of stored results: of which cases, and whether it holds for them."""

    cases: tuple[str, ...]
    holds: Callable[..., bool]


def fact(case: Case, name: str) -> float:
    """A fact of the first implementation that has it."""
    found = [facts[name] for facts in case["facts"].values() if name in facts]
    return float(found[0])


def _a_tenth_is_not_zero(*cases: Case) -> bool:
    return all(0.08 <= fact(case, "share not zero") <= 0.12 for case in cases)


def _coherent_atoms_have_a_larger_l(whitened: Case, coherent: Case) -> bool:
    return fact(coherent, "L") > 5 * fact(whitened, "L")


def _l_is_almost_the_number_of_atoms(raw: Case) -> bool:
    (atoms,) = map(int, re.findall(r"(\d+) of them as atoms", raw["title"]))
    return 0.9 * atoms <= fact(raw, "L") <= atoms


def _double_precision_takes_longer(pca: Case) -> bool:
    ratios: dict[str, float] = pca["ratios"]
    return ratios["replearn covariance_eigh"] > ratios["scikit-learn covariance_eigh"]


def _products_take_most_of_the_time(training: Case) -> bool:
    return fact(training, "share of its matrix products' peak rate") > 0.5


CONCLUSIONS = {
    "a-tenth-is-not-zero": Measured(
        ("sparse-whitened-1e-6", "sparse-whitened-1e-4", "sparse-coherent-1e-6"),
        _a_tenth_is_not_zero,
    ),
    "coherent-atoms-have-a-larger-l": Measured(
        ("sparse-whitened-1e-6", "sparse-coherent-1e-6"), _coherent_atoms_have_a_larger_l
    ),
    "l-is-almost-the-number-of-atoms": Measured(("sparse-raw",), _l_is_almost_the_number_of_atoms),
    "double-precision-takes-longer": Measured(("pca",), _double_precision_takes_longer),
    "products-take-most-of-the-time": Measured(("training-deep",), _products_take_most_of_the_time),
}


def problem_of(name: str, results: Path) -> str:
    """What is wrong with a sentence that names a comparison; empty where it holds."""
    if name not in CONCLUSIONS:
        return f"no comparison {name!r}; want one of {', '.join(CONCLUSIONS)}"
    measured = CONCLUSIONS[name]
    paths = [results / f"{case}.json" for case in measured.cases]
    missing = [path.stem for path in paths if not path.is_file()]
    if missing:
        return f"{name}: not measured and stored: {', '.join(missing)}"
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    if not measured.holds(*cases):
        return f"{name}: the stored results of {', '.join(measured.cases)} say otherwise"
    return ""


class MeasuredRole(SphinxRole):
    """The end of a sentence: the name of the comparison that it rests on."""

    def __init__(self, results: str) -> None:
        super().__init__()
        self._results = results

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        results = Path(self.env.srcdir) / self._results
        for case in CONCLUSIONS[self.text].cases if self.text in CONCLUSIONS else ():
            self.env.note_dependency(str(results / f"{case}.json"))
        problem = problem_of(self.text, results)
        if problem:
            return [], [self.inliner.reporter.error(problem, line=self.lineno)]
        return [], []
