"""What follows from the scoreboard's results, in sentences that are made from the numbers.

Which of two figures is the smaller decides the words, so that a new run cannot make a sentence
untrue. What has no result yet is named as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from replearn_book.scoreboard_results import Pair, Result, listed, mean, values

if TYPE_CHECKING:
    from book.experiments.task import Experiment, Published


class _Means:
    """The means of a family's results, as printed: compared at the digits that a reader sees."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._of = {
            experiment.name: round(mean(result), experiment.digits)
            for experiment, result in pairs
            if result is not None
        }
        self._written = {
            experiment.name: f"{mean(result):.{experiment.digits}f}{experiment.unit}"
            for experiment, result in pairs
            if result is not None
        }

    def has(self, *names: str) -> bool:
        return all(name in self._of for name in names)

    def __getitem__(self, name: str) -> float:
        return self._of[name]

    def written(self, name: str) -> str:
        return self._written[name]


def _against(value: float, other: float) -> str:
    """How a value stands to another."""
    if value == other:
        return "as much as"
    return "less than" if value < other else "more than"


def on_codes(pairs: Sequence[Pair]) -> list[str]:
    """Logistic PCA with searched codes beside the deep autoencoder, and the fair rivals."""
    shallow, encoded = "codes-logistic-pca", "codes-logistic-autoencoder"
    deep, fair = "codes-deep", "codes-deep-searched"
    got = _Means(pairs)
    if not got.has(shallow, deep):
        return ["Logistic PCA and the deep autoencoder have not both been run yet."]
    said = [
        f"With codes that are searched for, logistic PCA errs by {got.written(shallow)}, "
        f"{_against(got[shallow], got[deep])} the deep autoencoder ({got.written(deep)})"
        + _beside_printed(got[shallow], _published(pairs, deep)),
        "The two differ in the depth of the decoder and in the way to a code, which is a search "
        "for each image in the one and one pass through an encoder in the other.",
    ]
    if got.has(encoded):
        said.append(
            f"With a linear encoder in place of the search logistic PCA errs by "
            f"{got.written(encoded)}, {_against(got[encoded], got[shallow])} with the search and "
            f"{_against(got[encoded], got[deep])} the deep autoencoder."
        )
    if not got.has(fair):
        said.append(
            "The rival under the same rule, the deep decoder with codes that are searched for as "
            "well, has not been run yet, so this table does not say which decoder is the better."
        )
        return said
    said.append(
        f"The rival under the same rule, the deep decoder with codes that are searched for as "
        f"well, errs by {got.written(fair)}, {_against(got[fair], got[shallow])} logistic PCA."
    )
    return said


def _published(pairs: Sequence[Pair], name: str) -> Published:
    """The strictest figure that was printed for an experiment."""
    return next(e.published[-1] for e, _ in pairs if e.name == name)


def _beside_printed(value: float, figure: Published) -> str:
    relation = _against(value, float(figure.text))
    return f" and {relation} the {figure.text} that was printed for a deep one."


def on_fine_tuning(pairs: Sequence[Pair]) -> list[str]:
    """What pretraining adds to a random start of the same shape, and what the rules add."""
    results = {experiment.name: result for experiment, result in pairs}
    lines, missing = [], []
    for experiment, result in pairs:
        if not experiment.control:
            continue
        control = results[experiment.control]
        if result is None or control is None:
            missing.append(f"*{experiment.title}*")
        else:
            lines.append(f"- {_gain(experiment, result, control)}")
    if missing:
        lines += [
            "",
            "Not to be compared yet, since the network or its random start has not been run: "
            f"{listed(missing)}.",
        ]
    return [*lines, "", *_rules(pairs), *_by_rules(pairs)]


def _gain(experiment: Experiment, result: Result, control: Result) -> str:
    """Mean of a pretrained network and of its random start, beside the spread over the seeds."""
    digits = experiment.digits
    ours, theirs = (round(mean(runs), digits) for runs in (result, control))
    counts = f"{len(values(result))} against {len(values(control))} seeds"
    said = (
        f"*{experiment.title}*: {ours:.{digits}f}% with pretraining, {theirs:.{digits}f}% from a "
        f"random start ({counts})"
    )
    spreads = [
        max(values(runs)) - min(values(runs)) for runs in (result, control) if len(values(runs)) > 1
    ]
    if not spreads:
        return f"{said}; with one seed each nothing is known of the spread."
    gap, spread = round(abs(theirs - ours), digits), round(max(spreads), digits)
    size = "larger" if gap > spread else "no larger"
    return (
        f"{said}: a difference of {gap:.{digits}f} points, {size} than the {spread:.{digits}f} "
        "points between the best and the worst seed of one start."
    )


def _rules(pairs: Sequence[Pair]) -> list[str]:
    """How many printed figures a random start goes below by the rules alone."""
    printed = sorted({float(f.text) for experiment, _ in pairs for f in experiment.published})
    controls = {experiment.control for experiment, _ in pairs}
    said = []
    for experiment, result in pairs:
        if experiment.name not in controls or result is None:
            continue
        value = round(mean(result), experiment.digits)
        below = sum(value < figure for figure in printed)
        some = "none" if below == 0 else str(below)
        count = f"all {below}" if below == len(printed) else f"{some} of the {len(printed)}"
        said.append(
            f"*{experiment.title}*, without any pretraining, has {value:.{experiment.digits}f}%, "
            f"which is below {count} figures that the table prints from the literature."
        )
        if below:
            said.append(
                "What other networks gain on those by the same fine-tuning is thus not due to "
                "pretraining alone."
            )
    return said


def _by_rules(pairs: Sequence[Pair]) -> list[str]:
    """What the two rules of fine-tuning make of the same start, where both have been run."""
    found = {experiment.name: (experiment, result) for experiment, result in pairs}
    said = []
    for experiment, result in pairs:
        plain, other = found.get(f"{experiment.name}-plain", (experiment, None))
        if result is None or other is None:
            continue
        digits = experiment.digits
        ours, theirs = (round(mean(runs), digits) for runs in (result, other))
        said.append(
            f"*{experiment.title}* has {ours:.{digits}f}%, {_against(ours, theirs)} "
            f"*{plain.title}* ({theirs:.{digits}f}%; {len(values(result))} against "
            f"{len(values(other))} seeds)."
        )
    return said


DISCUSSIONS: dict[str, Callable[[Sequence[Pair]], list[str]]] = {
    "codes of 30 numbers": on_codes,
    "test error after fine-tuning": on_fine_tuning,
}
