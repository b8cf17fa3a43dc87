"""Tables and figures of the stored benchmark results.

``{performance} case ...`` stands for the results of these cases, in book/results/bench; they are
written by ``python -m tests.benchmarks --store``. A case that has no result says so on the page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from replearn.plotting import PALETTE, new_figure, show
from replearn_book.performance_conclusions import MeasuredRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

RESULTS = "book/results/bench"
_COMMIT = 10  # characters that tell a commit


def format_number(value: float) -> str:
    """A ratio or a measured number with three digits that count, without an exponent if small."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.1e}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def _fact(value: float | str) -> str:
    return value if isinstance(value, str) else format_number(value)


def _in_order(result: dict[str, Any]) -> list[str]:
    """Implementations, the fastest first."""
    ratios: dict[str, float] = result["ratios"]
    return sorted(ratios, key=lambda name: ratios[name])


def conclusion(result: dict[str, Any]) -> str:
    """What the figure of a case shows, in a sentence or two."""
    ratios: dict[str, float] = result["ratios"]
    missed = set(result.get("missed", {}))
    reached = [name for name in _in_order(result) if name not in missed]
    if not reached:
        return "No implementation reaches the target of this case."
    if len(reached) == 1:
        said = f"Only {reached[0]} reaches the target of this case"
    else:
        fastest, last = reached[0], reached[-1]
        times = format_number(ratios[last] / ratios[fastest])
        said = f"{fastest} takes the least time and {last} the most, {times} times as long"
        if len(reached) > 2:
            second = format_number(ratios[reached[1]] / ratios[fastest])
            said += f"; next to the fastest is {reached[1]}, {second} times as long"
    failing = f". These do not reach the target: {', '.join(sorted(missed))}" if missed else ""
    return f"{said}{failing}."


def bars(result: dict[str, Any]) -> str:
    """The ratios as horizontal bars: HTML of a figure."""
    names = _in_order(result)
    ratios = [result["ratios"][name] for name in names]
    missed = result.get("missed", {})
    fig, ax = new_figure(width=7.2, height=0.6 + 0.34 * len(names))
    places = np.arange(len(names))
    drawn = ax.barh(places, ratios, height=0.62, color=PALETTE[0])
    for bar, name, ratio in zip(drawn, names, ratios, strict=True):
        if name == result["reference"]:
            bar.set_color(PALETTE[1])
        elif name in missed:
            bar.set(color="none", edgecolor=PALETTE[6], linestyle="--")
        text = format_number(ratio) + ("  (misses the target)" if name in missed else "")
        ax.annotate(
            text, (ratio, bar.get_y() + bar.get_height() / 2), xytext=(4, 0),
            textcoords="offset points", va="center",
        )  # fmt: skip
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.margins(x=0.25)
    ax.set_xlim(left=0)
    ax.set_xlabel(f"time over that of {result['reference']}")
    return show(fig, alt=conclusion(result)).html


def goal_line(goal: dict[str, Any]) -> str:
    """What was wanted and what came, in words."""
    verdict = "met" if goal["met"] else "**MISSED**"
    if "ratio" in goal:
        return (
            f"- {goal['ours']} at least {goal['at_least']:g} times as fast as {goal['peer']}: "
            f"{verdict}, {format_number(goal['ratio'])} times"
        )
    bounds = (("at_least", "at least"), ("at_most", "at most"))
    wanted = " and ".join(
        f"{words} {goal[key]:g}" for key, words in bounds if goal[key] is not None
    )
    value = goal["value"]
    got = format_number(value) if isinstance(value, int | float) else "not measured"
    return f"- {goal['ours']}, {goal['fact']} {wanted}: {verdict}, {got}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table_lines(result: dict[str, Any]) -> list[str]:
    """A Markdown table: implementations, the fastest first, with their ratios and what they say."""
    lines = [f"| implementation | time over that of {_cell(result['reference'])} | notes |"]
    lines.append("|---|---:|---|")
    for name in _in_order(result):
        facts = result.get("facts", {}).get(name, {})
        notes = [f"{key}: {_fact(facts[key])}" for key in result.get("shown", []) if key in facts]
        why = result.get("missed", {}).get(name)
        if why:
            notes.insert(0, f"**misses the target**: {why}")
        ratio = format_number(result["ratios"][name])
        lines.append(f"| {_cell(name)} | {ratio} | {_cell('; '.join(notes))} |")
    for name, why in result.get("failed", {}).items():
        lines.append(f"| {_cell(name)} | | failed: {_cell(why)} |")
    return lines


def provenance_line(result: dict[str, Any]) -> str:
    """Machine and its load, versions, date and commit."""
    where = _machine(result, bool(result.get("absolute")))
    load = f"load at the end {result['machine']['load_1min']:g}"
    return (
        f"Measured on {result['date'][:10]} on {where} ({load}); {_versions(result)}; "
        f"commit {commit_name(result['commit'])}."
    )


def machine_lines(runs: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each machine and set of versions, with the first and the last day."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: str(run["date"])):
        groups.setdefault((_machine(run, True), _versions(run)), []).append(run)
    lines = []
    for (where, versions), members in groups.items():
        days = list(dict.fromkeys(run["date"][:10] for run in members))
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        lines.append(f"Measured on {when} on {where}; {versions}.")
    return lines


def _machine(result: dict[str, Any], with_card: bool) -> str:
    machine = result["machine"]
    card = f" and {machine['gpu']}" if machine.get("gpu") and with_card else ""
    return f"{machine['cores']} cores of {machine['cpu']}{card}"


def _versions(result: dict[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in result["versions"].items())


def commit_name(commit: str | None) -> str:
    """A commit as the pages name it, and whether files differed from it."""
    if not commit:
        return "outside a repository"
    name, _, dirty = commit.partition("-")
    return name[:_COMMIT] + (" with changes since" if dirty else "")


class PerformanceDirective(SphinxDirective):
    """The stored results of the named cases."""

    required_arguments = 1
    optional_arguments = 0
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list[nodes.Node]:
        container = nodes.Element()
        container.document = self.state.document
        for name in self.arguments[0].split():
            path = Path(self.env.srcdir) / RESULTS / f"{name}.json"
            # A dependency that does not exist has the page read again, so a new result is found.
            self.env.note_dependency(str(path))
            lines, result = self._case(name, path)
            self._parse(lines, container)
            if result is not None:
                container += nodes.raw("", bars(result), format="html")
                self._parse(
                    [
                        *table_lines(result),
                        "",
                        *(["Goals:", "", *map(goal_line, result["goals"]), ""]
                          if result["goals"] else []),
                        provenance_line(result),
                    ],
                    container,
                )  # fmt: skip
        return list(container.children)

    def _case(self, name: str, path: Path) -> tuple[list[str], dict[str, Any] | None]:
        """What is said before the figure, and the result if there is one."""
        if not path.is_file():
            command = f"python -m tests.benchmarks {name} --store"
            return [f"**{name}** has not been measured and stored yet: `{command}`."], None
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as problem:
            raise self.error(f"{RESULTS}/{name}.json is no JSON: {problem}") from None
        repeats = result.get("repeats") or max(map(len, result["seconds"].values()))
        rounds = f"Median of {repeats} rounds." if repeats > 1 else "Measured once."
        return [f"**{result['title']}.** {rounds}"], result

    def _parse(self, lines: list[str], container: nodes.Element) -> None:
        self.state.nested_parse(StringList(lines), self.content_offset, container)


def setup(app: Sphinx) -> None:
    """Register the directive and the role."""
    app.add_directive("performance", PerformanceDirective)
    app.add_role("measured", MeasuredRole(RESULTS))
