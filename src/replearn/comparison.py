"""The rows of the book's cumulative comparison table.

Every chapter measures its method with `measure` on the same data and shows the row with `table`.
The book gathers the rows of all chapters into one table, so what is measured and how numbers are
written are said here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import torch

from replearn.data import Dataset
from replearn.metrics import linear_probe, reconstruction_error, sparsity

DATA_ATTRIBUTE = "data-replearn-rows"


@dataclass(frozen=True)
class Score:
    """Accuracy of a linear probe, a fraction, over draws of the labelled samples."""

    mean: float
    std: float


@dataclass(frozen=True)
class Row:
    """One method, measured.

    `error` is the mean over the test samples of the squared distance between a sample and its
    reconstruction, a sum over coordinates; None for a method that does not reconstruct.
    `sparsity` is the fraction of test code entries that are exactly zero. The probes are fitted
    to 100, 1,000 and all labelled training codes and scored on the test codes; `probe_all` is None
    where that was not measured.
    """

    method: str
    chapter: str
    data: str
    code_size: int
    error: float | None
    sparsity: float
    probe_100: Score
    probe_1000: Score
    probe_all: Score | None


def measure(
    method: str,
    data: Dataset,
    H_train: torch.Tensor,
    H_test: torch.Tensor,
    X_hat_test: torch.Tensor | None = None,
    *,
    chapter: str,
    probe_all: bool = True,
    seed: int = 0,
) -> Row:
    """Measure one method by the book's metrics.

    Parameters
    ----------
    method : name of the method as the table shows it.
    data : data set with n training and n' test samples of dimension d.
    H_train : (n, m) codes of `data.X`.
    H_test : (n', m) codes of `data.X_test`.
    X_hat_test : (n', d) reconstructions of `data.X_test`; None if the method makes none.
    chapter : page of the chapter, such as "lectures/03_pca".
    probe_all : whether to fit the probe to all labelled samples too, which takes minutes for codes
        as wide as raw pixels.
    seed : seed of the draws of labelled samples.

    Raises
    ------
    ValueError : if codes or reconstructions do not belong to the data by their shapes.
    """
    n, n_test = len(data.X), len(data.X_test)
    if H_train.ndim != 2 or len(H_train) != n:
        raise ValueError(f"H_train: got shape {tuple(H_train.shape)}, want ({n}, m)")
    m = H_train.shape[1]
    if tuple(H_test.shape) != (n_test, m):
        raise ValueError(f"H_test: got shape {tuple(H_test.shape)}, want ({n_test}, {m})")
    if X_hat_test is not None and X_hat_test.shape != data.X_test.shape:
        raise ValueError(
            f"X_hat_test: got shape {tuple(X_hat_test.shape)}, want {tuple(data.X_test.shape)}"
        )

    def probe(labels: int | None) -> Score:
        result = linear_probe(H_train, data.y, H_test, data.y_test, labels=labels, seed=seed)
        return Score(float(result.mean), float(result.std))

    return Row(
        method=method,
        chapter=chapter,
        data=data.name,
        code_size=m,
        error=None if X_hat_test is None else float(reconstruction_error(data.X_test, X_hat_test)),
        sparsity=float(sparsity(H_test)),
        probe_100=probe(100),
        probe_1000=probe(1000),
        probe_all=probe(None) if probe_all else None,
    )


def _percent(score: Score | None) -> str:
    if score is None:
        return "–"
    spread = f" ± {100 * score.std:.1f}" if score.std > 0 else ""
    return f"{100 * score.mean:.1f}{spread}"


# Heading and text of each column: the one place that says how a number of the table is written.
_COLUMNS: tuple[tuple[str, Any], ...] = (
    ("method", lambda row: row.method),
    ("code", lambda row: f"{row.code_size:,}"),
    ("error", lambda row: "–" if row.error is None else f"{row.error:.2f}"),
    ("zeros, %", lambda row: f"{100 * row.sparsity:.0f}"),
    ("100 labels", lambda row: _percent(row.probe_100)),
    ("1,000 labels", lambda row: _percent(row.probe_1000)),
    ("all labels", lambda row: _percent(row.probe_all)),
)


@dataclass(frozen=True)
class Table:
    """Rows to be shown: HTML in a notebook or page, text elsewhere."""

    rows: tuple[Row, ...]
    links: Mapping[str, str]

    @property
    def caption(self) -> str:
        """What the rows were measured on."""
        names = ", ".join(sorted({row.data for row in self.rows}))
        return f"Measured on {names}. The label columns: accuracy of a linear probe, in per cent"

    def __repr__(self) -> str:
        cells = [[title for title, _ in _COLUMNS]]
        cells += [[text(row) for _, text in _COLUMNS] for row in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
        lines = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
            for line in cells
        ]
        return "\n".join([self.caption, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(title)}</th>' for title, _ in _COLUMNS)
        body = []
        for row in self.rows:
            name = escape(row.method)
            if row.chapter in self.links:
                name = f'<a href="{escape(self.links[row.chapter], quote=True)}">{name}</a>'
            cells = "".join(f"<td>{escape(text(row))}</td>" for _, text in _COLUMNS[1:])
            body.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
        data = escape(json.dumps([asdict(row) for row in self.rows]), quote=True)
        caption = escape(self.caption)
        # The region can take the focus, so that a keyboard can scroll a table wider than the page.
        return (
            f'<div class="replearn-table" role="region" tabindex="0" aria-label="{caption}" '
            f'{DATA_ATTRIBUTE}="{data}"><table class="table"><caption>{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        )


def table(rows: Sequence[Row], *, links: Mapping[str, str] | None = None) -> Table:
    """Show rows as a table.

    Parameters
    ----------
    rows : the rows, at least one.
    links : address of the page of each chapter named by a row; None for no links.

    Raises
    ------
    ValueError : if there is no row.
    """
    if not rows:
        raise ValueError("rows: got none, want at least one Row")
    return Table(tuple(rows), dict(links or {}))


def rows_from_json(text: str) -> list[Row]:
    """The rows that `Table` wrote into its data attribute (unescaped JSON)."""
    rows = []
    for row in json.loads(text):
        fields: dict[str, Any] = dict(row)
        for key in ("probe_100", "probe_1000", "probe_all"):
            fields[key] = None if fields[key] is None else Score(**fields[key])
        rows.append(Row(**fields))
    return rows
