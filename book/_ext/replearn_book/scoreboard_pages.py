"""The scoreboard: published figures, and what the stored runs of the experiments reach.

``{scoreboard} family`` stands for the experiments of that family (their registry is
book.experiments.registry), with the results in book/results/experiments, which are written by
``make experiments``. An experiment without a result says so on the page.
``{scoreboard-discussion} family`` stands for what follows from them, in sentences that are made
from the same results.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from book.experiments.registry import ALL
from book.experiments.store import path_of, read
from replearn.plotting import PALETTE, new_figure, show
from replearn_book.performance_pages import commit_name, format_number, machine_lines
from replearn_book.scoreboard_results import Pair, Result, listed, mean, values
from replearn_book.scoreboard_sentences import DISCUSSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

    from book.experiments.task import Experiment, Published


def measured(experiment: Experiment, result: Result) -> str:
    """Mean over the seeds, each seed's value, and how many of the planned seeds there are."""
    digits, unit = experiment.digits, experiment.unit
    text = f"{mean(result):.{digits}f}{unit}"
    if experiment.seeds == 1:
        return text
    each = [f"{value:.{digits}f}" for value in values(result)]
    count = f"{len(each)} of {experiment.seeds} seeds"
    return f"{text} ({count})" if len(each) == 1 else f"{text} ({', '.join(each)}; {count})"


def verdict(experiment: Experiment, result: Result | None) -> str:
    """What became of each published figure.

    Where the rules are equal: whether the mean is as low, and in how many runs, at the precision
    that was printed. Where they are not: that the figure is a goal, and why.
    """
    if not experiment.published:
        return "nothing was printed"
    said = []
    for figure in experiment.published:
        text = f"{figure.text}{experiment.unit}"
        if figure.not_comparable:
            said.append(f"{text} is a goal, not a comparison: {figure.not_comparable}")
        elif result is not None:
            said.append(f"{text} {_outcome(experiment, figure, result)}")
    return "; ".join(said)


def _outcome(experiment: Experiment, figure: Published, result: Result) -> str:
    """Whether a figure is reached by the mean, and in how many of the runs."""
    runs = values(result)
    reached = figure.reached_by(mean(result))
    word = "reached" if reached else "**MISSED**"
    if experiment.seeds == 1:
        return word
    if len(runs) == 1:
        return f"{word} by the one seed so far"
    count = f"by {sum(figure.reached_by(value) for value in runs)} of {len(runs)} seeds"
    return f"{word} by the mean{' and' if reached else ', reached'} {count}"


def cost(result: Result) -> str:
    """What one run takes, mean over the seeds."""
    on_card = any(run["device"] != "cpu" for run in result["runs"])
    key = "wall_seconds" if on_card else "cpu_seconds"
    seconds = statistics.fmean(run[key] for run in result["runs"])
    unit = "on a graphics card" if on_card else "of CPU time"
    return f"{seconds / 60:.1f} min {unit}" if seconds >= 60 else f"{seconds:.0f} s {unit}"


def _figures(experiment: Experiment) -> str:
    """The published figures, each with its source and its place there."""
    said = []
    for figure in experiment.published:
        text = f"{figure.text}{experiment.unit} {{cite}}`{figure.source}`"
        said.append(f"{text} ({figure.where})" if figure.where else text)
    return "; ".join(said)


def table_lines(pairs: Sequence[Pair]) -> list[str]:
    """A Markdown table of a family's experiments."""
    lines = [
        "| what | network | published | ours | verdict | one run costs |",
        "|---|---|---|---|---|---|",
    ]
    for experiment, result in pairs:
        cells = [
            experiment.title,
            experiment.network,
            _figures(experiment) or "–",
            "not run yet" if result is None else measured(experiment, result),
            verdict(experiment, result) if experiment.published or result else "",
            "" if result is None else cost(result),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def detail_lines(pairs: Sequence[Pair], stored: dict[str, Result]) -> list[str]:
    """What else was measured, and what a reader should know, a line per experiment.

    ``stored`` has the whole files of results, by the name of the experiment.
    """
    lines = []
    for experiment, result in pairs:
        said = [experiment.note] if experiment.note else []
        if result is not None:
            said += _also_measured(result)
            said += _schedule(experiment, result)
            said += dict.fromkeys(run["changed"] for run in result["runs"] if "changed" in run)
        said += _superseded(experiment, stored.get(experiment.name, {}).get("superseded", []))
        if result is not None:
            said.append(f"Measured from {_commits(result['runs'])}.")
        if said:
            lines.append(f"- *{experiment.title}.* {' '.join(said)}")
    return lines


def _also_measured(result: Result) -> list[str]:
    """The other figures of the runs, as means over the seeds."""
    runs = result["runs"]
    said = [
        f"{name} {format_number(statistics.fmean(run['details'][name] for run in runs))}"
        for name in runs[0]["details"]
    ]
    return [f"Also measured: {'; '.join(said)}."] if said else []


def _schedule(experiment: Experiment, result: Result) -> list[str]:
    """What the rates and epochs were chosen by, as far as it is stored."""
    if not experiment.scheduled or experiment.seeds == 1:
        return []
    said = [
        f"The schedule was chosen on {run['n_train']:,} training samples, where it reaches "
        f"{run['value']:.{experiment.digits}f}{experiment.unit} on those that were held out; "
        "which other schedules were tried is not recorded."
        for run in result.get("validation", [])
    ]
    return said or ["No stored run judges its schedule on samples that were held out."]


def _superseded(experiment: Experiment, runs: Sequence[Result]) -> list[str]:
    """What earlier forms of the experiment reached, a sentence or two for each form."""
    said = []
    for form, because in dict.fromkeys((run["form"], run["because"]) for run in runs):
        members = [run for run in runs if run["form"] == form]
        if any(run["value"] is None for run in members):
            replaced = commit_name(members[0]["replaced_by"])
            said.append(
                f"An earlier form was superseded ({form}): a miss, since {because}; its figure was "
                f"not kept. Commit {replaced} replaced it."
            )
            continue
        each = ", ".join(
            f"{run['value']:.{experiment.digits}f}{experiment.unit}" for run in members
        )
        said.append(f"Superseded: {each} ({form}; {_commits(members)}), because {because}.")
    return said


def _commits(runs: Sequence[Result]) -> str:
    """The commits of runs, each with its seeds where there are several."""
    seeds: dict[str, list[int]] = {}
    for run in runs:
        seeds.setdefault(commit_name(run["commit"]), []).append(run["seed"])
    if len(seeds) == 1:
        return f"commit {next(iter(seeds))}"
    said = [
        f"{name} (seed{'s' if len(of) > 1 else ''} {listed(map(str, of))})"
        for name, of in seeds.items()
    ]
    return f"commits {listed(said)}"


def _yardstick(experiment: Experiment) -> Published:
    """The published figure that runs are drawn against: the strictest of equal rules, if any."""
    comparable = [figure for figure in experiment.published if not figure.not_comparable]
    return (comparable or list(experiment.published))[-1]


def _compared(pairs: Sequence[Pair]) -> list[tuple[Experiment, list[float]]]:
    """Experiments with a result and a published figure, and every run as a share of the latter."""
    return [
        (
            experiment,
            [value / float(_yardstick(experiment).text) for value in values(result)],
        )
        for experiment, result in pairs
        if result is not None and experiment.published
    ]


def conclusion(pairs: Sequence[Pair]) -> str:
    """What the figure of a family shows, in a sentence or two."""
    equal: list[str] = []
    goals: list[str] = []
    for experiment, runs in _compared(pairs):
        text = f"{experiment.title} {statistics.fmean(runs):.2f} times"
        (goals if _yardstick(experiment).not_comparable else equal).append(text)
    said = []
    if equal:
        said.append(
            "The measured values as shares of the lowest published ones of equal rules: "
            f"{'; '.join(equal)}."
        )
    if goals:
        said.append(f"As shares of a goal, of other rules: {'; '.join(goals)}.")
    return " ".join(said)


def dots(pairs: Sequence[Pair]) -> str:
    """Every run over the lowest published figure: HTML of a figure."""
    compared = _compared(pairs)
    fig, ax = new_figure(width=7.2, height=0.9 + 0.36 * len(compared))
    ax.axvline(1.0, color=PALETTE[1], linewidth=1.5)
    for row, (experiment, shares) in enumerate(compared):
        fill = "none" if _yardstick(experiment).not_comparable else PALETTE[0]
        ax.plot(
            shares, np.full(len(shares), row), "o",
            markeredgecolor=PALETTE[0], markerfacecolor=fill, markersize=6,
        )  # fmt: skip
    ax.set_yticks(range(len(compared)), [experiment.title for experiment, _ in compared])
    ax.set_ylim(len(compared) - 0.5, -0.5)
    ax.grid(False, axis="y")
    ax.margins(x=0.1)
    ax.set_xlabel("measured over published; each dot is a run, hollow where that is a goal")
    return show(fig, alt=conclusion(pairs)).html


class _FamilyDirective(SphinxDirective):
    """Something made from the experiments of one family."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False

    def _stored(self) -> tuple[list[Experiment], dict[str, Result]]:
        """The experiments of the family, and the files of results that there are."""
        family = self.arguments[0]
        chosen = [experiment for experiment in ALL.values() if experiment.family == family]
        if not chosen:
            families = ", ".join(dict.fromkeys(e.family for e in ALL.values()))
            raise self.error(f"no experiment belongs to {family!r}; want one of {families}")
        stored = {}
        for experiment in chosen:
            # A dependency that does not exist has the page read again, so a new result is found.
            self.env.note_dependency(str(path_of(Path(self.env.srcdir), experiment.name)))
            try:
                found = read(Path(self.env.srcdir), experiment.name)
            except ValueError as problem:
                raise self.error(str(problem)) from None
            if found:
                stored[experiment.name] = found
        return chosen, stored

    def _pairs(self) -> tuple[list[Pair], dict[str, Result]]:
        """Experiments with their results, None where there are no runs; and the files."""
        chosen, stored = self._stored()
        scored = {name: found for name, found in stored.items() if found["runs"]}
        return [(experiment, scored.get(experiment.name)) for experiment in chosen], stored

    def _parse(self, lines: list[str], container: nodes.Element) -> None:
        self.state.nested_parse(StringList(lines), self.content_offset, container)


class ScoreboardDirective(_FamilyDirective):
    """The experiments of one family."""

    def run(self) -> list[nodes.Node]:
        pairs, stored = self._pairs()
        container = nodes.Element()
        container.document = self.state.document
        self._parse(table_lines(pairs), container)
        if _compared(pairs):
            container += nodes.raw("", dots(pairs), format="html")
        self._parse([*detail_lines(pairs, stored), "", *self._provenance(pairs)], container)
        return list(container.children)

    @staticmethod
    def _provenance(pairs: Sequence[Pair]) -> list[str]:
        """One line for each distinct machine; commits stand in the lines of the experiments."""
        runs = [run for _, result in pairs if result for run in result["runs"]]
        data = ", ".join(sorted({run["data"] for run in runs}))
        return [f"Data: {data}. {' '.join(machine_lines(runs))}"] if runs else []


class DiscussionDirective(_FamilyDirective):
    """What follows from the results of a family, in words."""

    def run(self) -> list[nodes.Node]:
        pairs, _ = self._pairs()
        family = self.arguments[0]
        if family not in DISCUSSIONS:
            wanted = ", ".join(DISCUSSIONS)
            raise self.error(f"no discussion of {family!r}; want one of {wanted}")
        container = nodes.Element()
        container.document = self.state.document
        self._parse(DISCUSSIONS[family](pairs), container)
        return list(container.children)


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("scoreboard", ScoreboardDirective)
    app.add_directive("scoreboard-discussion", DiscussionDirective)
