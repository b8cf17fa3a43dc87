"""The scoreboard: published figures, and what the stored runs of the experiments reach.

``{scoreboard} family`` stands for the experiments of that family (their registry is
book.experiments.registry), with the results in book/results/experiments, which are written by
``make experiments``. An experiment without a result says so on the page.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from book.experiments.registry import ALL
from book.experiments.store import path_of, read
from replearn.plotting import PALETTE, new_figure, show
from replearn_book.performance_pages import format_number, provenance_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

    from book.experiments.task import Experiment

Result = dict[str, Any]
Pair = tuple["Experiment", Result | None]


def mean(result: Result) -> float:
    """The mean over the seeds of what was measured."""
    return statistics.fmean(run["value"] for run in result["runs"])


def measured(experiment: Experiment, result: Result) -> str:
    """Mean over the seeds with the least and the largest value, in the experiment's digits."""
    values = [run["value"] for run in result["runs"]]
    digits, unit = experiment.digits, experiment.unit
    text = f"{mean(result):.{digits}f}{unit}"
    if len(values) > 1:
        text += f" ({min(values):.{digits}f} to {max(values):.{digits}f}, {len(values)} seeds)"
    elif experiment.seeds > 1:
        text += " (one seed)"
    return text


def verdict(experiment: Experiment, result: Result) -> str:
    """For every published figure whether the mean is as low, at the precision it was printed in."""
    if not experiment.published:
        return "nothing was printed"
    value = mean(result)
    said = [
        f"{figure.text}{experiment.unit} "
        + ("reached" if figure.reached_by(value) else "**MISSED**")
        for figure in experiment.published
    ]
    return ", ".join(said)


def cost(result: Result) -> str:
    """What one run takes, mean over the seeds."""
    on_card = any(run["device"] != "cpu" for run in result["runs"])
    key = "wall_seconds" if on_card else "cpu_seconds"
    seconds = statistics.fmean(run[key] for run in result["runs"])
    unit = "on a graphics card" if on_card else "of CPU time"
    return f"{seconds / 60:.1f} min {unit}" if seconds >= 60 else f"{seconds:.0f} s {unit}"


def _figures(experiment: Experiment) -> str:
    """The published figures, each with its source and what a reader must know of it."""
    said = []
    for figure in experiment.published:
        notes = [
            figure.where,
            f"of {figure.network}" if figure.network else "",
            "" if figure.checked else "not checked against the paper",
        ]
        known = "; ".join(note for note in notes if note)
        text = f"{figure.text}{experiment.unit} {{cite}}`{figure.source}`"
        said.append(f"{text} ({known})" if known else text)
    return "; ".join(said)


def table_lines(pairs: Sequence[Pair]) -> list[str]:
    """A Markdown table of a family's experiments."""
    lines = [
        "| what | network | published | ours | verdict | one run costs |",
        "|---|---|---|---|---|---|",
    ]
    for experiment, result in pairs:
        published = _figures(experiment) or "–"
        if result is None:
            cells = [experiment.title, experiment.network, published, "not run yet", "", ""]
        else:
            cells = [
                experiment.title,
                experiment.network,
                published,
                measured(experiment, result),
                verdict(experiment, result),
                cost(result),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def detail_lines(pairs: Sequence[Pair]) -> list[str]:
    """What else was measured, and what a reader should know, a line per experiment."""
    lines = []
    for experiment, result in pairs:
        said = [experiment.note] if experiment.note else []
        runs = result["runs"] if result else []
        names = runs[0]["details"] if runs else {}
        values = [
            f"{name} {format_number(statistics.fmean(run['details'][name] for run in runs))}"
            for name in names
        ]
        if values:
            said.append(f"Also measured: {'; '.join(values)}.")
        for run in (result or {}).get("validation", []):
            figure = f"{run['value']:.{experiment.digits}f}{experiment.unit}"
            said.append(
                f"The schedule was chosen on {run['n_train']:,} training samples, where it reaches "
                f"{figure} on those that were held out."
            )
        if said:
            lines.append(f"- *{experiment.title}.* {' '.join(said)}")
    return lines


def _compared(pairs: Sequence[Pair]) -> list[tuple[Experiment, list[float]]]:
    """Experiments with a result and a published figure, and every run as a share of the last."""
    return [
        (
            experiment,
            [run["value"] / float(experiment.published[-1].text) for run in result["runs"]],
        )
        for experiment, result in pairs
        if result is not None and experiment.published
    ]


def conclusion(pairs: Sequence[Pair]) -> str:
    """What the figure of a family shows, in a sentence."""
    shares = {experiment.title: statistics.fmean(runs) for experiment, runs in _compared(pairs)}
    said = "; ".join(f"{title} {share:.2f} times" for title, share in shares.items())
    return f"The measured values as shares of the lowest published ones: {said}."


def dots(pairs: Sequence[Pair]) -> str:
    """Every run over the lowest published figure: HTML of a figure."""
    compared = _compared(pairs)
    fig, ax = new_figure(width=7.2, height=0.9 + 0.36 * len(compared))
    ax.axvline(1.0, color=PALETTE[1], linewidth=1.5)
    for row, (_, shares) in enumerate(compared):
        ax.plot(shares, np.full(len(shares), row), "o", color=PALETTE[0], markersize=6)
    ax.set_yticks(range(len(compared)), [experiment.title for experiment, _ in compared])
    ax.set_ylim(len(compared) - 0.5, -0.5)
    ax.grid(False, axis="y")
    ax.margins(x=0.1)
    ax.set_xlabel("measured over published (line: as published); each dot is a run")
    return show(fig, alt=conclusion(pairs)).html


class ScoreboardDirective(SphinxDirective):
    """The experiments of one family."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list[nodes.Node]:
        family = self.arguments[0]
        chosen = [experiment for experiment in ALL.values() if experiment.family == family]
        if not chosen:
            families = ", ".join(dict.fromkeys(e.family for e in ALL.values()))
            raise self.error(f"no experiment belongs to {family!r}; want one of {families}")
        pairs: list[Pair] = []
        for experiment in chosen:
            # A dependency that does not exist has the page read again, so a new result is found.
            self.env.note_dependency(str(path_of(Path(self.env.srcdir), experiment.name)))
            try:
                found = read(Path(self.env.srcdir), experiment.name)
            except ValueError as problem:
                raise self.error(str(problem)) from None
            pairs.append((experiment, found if found and found["runs"] else None))
        container = nodes.Element()
        container.document = self.state.document
        self._parse(table_lines(pairs), container)
        if _compared(pairs):
            container += nodes.raw("", dots(pairs), format="html")
        self._parse([*detail_lines(pairs), "", *self._provenance(pairs)], container)
        return list(container.children)

    @staticmethod
    def _provenance(pairs: Sequence[Pair]) -> list[str]:
        """One line for each distinct machine."""
        runs = [run for _, result in pairs if result for run in result["runs"]]
        data = ", ".join(sorted({run["data"] for run in runs}))
        return [f"Data: {data}. {' '.join(provenance_lines(runs))}"] if runs else []

    def _parse(self, lines: list[str], container: nodes.Element) -> None:
        self.state.nested_parse(StringList(lines), self.content_offset, container)


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("scoreboard", ScoreboardDirective)
