"""The comparison table: how its numbers are written, as text, as HTML and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from replearn.comparison.measuring import Row, Score

#: Of the rows as data, ``{"rows": [...]}``, in the output of a cell that shows a table.
MIME_TYPE = "application/vnd.replearn.comparison+json"


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
    """Rows to be shown: HTML in a notebook or page, text elsewhere.

    A notebook also stores the rows as data, under ``MIME_TYPE``: the book gathers them there.

    Attributes
    ----------
    rows : tuple of Row
        What is shown.
    links : mapping of str to str
        Addresses of pages, by the chapters that rows name.

    Examples
    --------
    >>> Table((), {}).rows
    ()
    """

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

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": self.to_html(),
            MIME_TYPE: {"rows": [asdict(row) for row in self.rows]},
        }

    def to_html(self) -> str:
        """The table as an HTML element.

        Returns
        -------
        str
            A region that can be scrolled, with the table and its caption.
        """
        head = "".join(f'<th scope="col">{escape(title)}</th>' for title, _ in _COLUMNS)
        body = []
        for row in self.rows:
            name = escape(row.method)
            if row.chapter in self.links:
                name = f'<a href="{escape(self.links[row.chapter], quote=True)}">{name}</a>'
            cells = "".join(f"<td>{escape(text(row))}</td>" for _, text in _COLUMNS[1:])
            body.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
        caption = escape(self.caption)
        # The region can take the focus, so that a keyboard can scroll a table wider than the page.
        return (
            f'<div class="replearn-table" role="region" tabindex="0" aria-label="{caption}">'
            f'<table class="table"><caption>{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        )


def table(rows: Sequence[Row], *, links: Mapping[str, str] | None = None) -> Table:
    """Show rows as a table.

    Parameters
    ----------
    rows : sequence of Row
        At least one.
    links : mapping of str to str, optional
        Address of the page of each chapter that a row names.

    Returns
    -------
    Table
        Displays itself when it is the last expression of a cell.

    Raises
    ------
    ValueError
        There is no row.

    Examples
    --------
    >>> score = Score(0.75, 0.02)
    >>> table([Row("PCA", "lectures/03_pca", "digits 8x8", 10, 1.5, 0.0, score, score, None)])
    Measured on digits 8x8. The label columns: accuracy of a linear probe, in per cent
    method  code  error  zeros, %  100 labels  1,000 labels  all labels
    PCA       10   1.50         0  75.0 ± 2.0    75.0 ± 2.0           –
    """
    if not rows:
        raise ValueError("rows: got none, want at least one Row")
    return Table(tuple(rows), dict(links or {}))


def rows_from_data(data: Mapping[str, Any]) -> list[Row]:
    """Rows from the data that a table has under ``MIME_TYPE`` in a notebook.

    Parameters
    ----------
    data : mapping
        ``{"rows": [...]}``, a mapping of the fields of :class:`Row` each.

    Returns
    -------
    list of Row

    Raises
    ------
    ValueError
        The data are no such rows.

    Examples
    --------
    >>> probe = {"mean": 0.75, "std": 0.0}
    >>> data = {"method": "PCA", "chapter": "lectures/03_pca", "data": "digits 8x8",
    ...         "code_size": 10, "error": 1.5, "sparsity": 0.0, "probe_100": probe,
    ...         "probe_1000": probe, "probe_all": None}
    >>> rows_from_data({"rows": [data]})[0].probe_100
    Score(mean=0.75, std=0.0)
    """
    rows = []
    try:
        for row in data["rows"]:
            fields: dict[str, Any] = dict(row)
            for key in ("probe_100", "probe_1000", "probe_all"):
                fields[key] = None if fields[key] is None else Score(**fields[key])
            rows.append(Row(**fields))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'data: got what holds no rows ({error!r}), want {{"rows": [...]}} as a table stores it'
        ) from error
    return rows
