"""The rows of the comparison table: measured by the library's metrics, written one way."""

from __future__ import annotations

import html
from dataclasses import asdict

import nbformat
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from replearn.comparison import (
    MIME_TYPE,
    Row,
    Score,
    measure,
    rows_from_data,
    table,
)
from replearn.data import load_digits
from replearn.metrics import linear_probe

ROW = Row(
    method="PCA",
    chapter="lectures/03_pca",
    data="digits 8x8",
    code_size=1024,
    error=13.8712,
    sparsity=0.25,
    probe_100=Score(0.7512, 0.0123),
    probe_1000=Score(0.9, 0.0),
    probe_all=Score(0.951, 0.0),
)


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_a_row_holds_what_the_metrics_say(digits):
    m = 5
    H, H_test = digits.X[:, 20 : 20 + m], digits.X_test[:, 20 : 20 + m].clone()
    H_test[:, 0] = 0.0
    X_hat = digits.X_test + 0.5
    row = measure("crop", digits, H, H_test, X_hat, chapter="c", seed=3)
    assert (row.method, row.chapter, row.data, row.code_size) == ("crop", "c", digits.name, m)
    assert row.error == pytest.approx(digits.d * 0.25, rel=1e-5)
    assert row.sparsity == pytest.approx((H_test == 0).double().mean().item())
    for labels, score in ((100, row.probe_100), (1000, row.probe_1000), (None, row.probe_all)):
        want = linear_probe(H, digits.y, H_test, digits.y_test, labels=labels, seed=3)
        assert score == Score(want.mean, want.std)


def test_a_method_without_reconstructions_has_no_error(digits):
    H, H_test = digits.X[:, 20:22], digits.X_test[:, 20:22]
    row = measure("crop", digits, H, H_test, chapter="c")
    assert row.error is None
    assert "–" in repr(table([row]))


def test_the_probe_on_all_labels_can_be_left_out(digits):
    H, H_test = digits.X[:, 20:22], digits.X_test[:, 20:22]
    row = measure("crop", digits, H, H_test, chapter="c", probe_all=False)
    assert row.probe_all is None
    assert repr(table([row])).endswith("–")
    assert rows_from_data({"rows": [asdict(row)]}) == [row]


@pytest.mark.parametrize(
    ("train", "test", "x_hat", "name"),
    [
        ((7, 2), (360, 2), None, r"H_train: got 7 rows, want 1437"),
        ((1437,), (360, 2), None, r"H_train: got shape \(1437,\)"),
        ((1437, 2), (360, 3), None, r"H_test: got shape \(360, 3\), want \(n, 2\)"),
        ((1437, 2), (360, 2), (360, 5), r"X_hat_test: got shape \(360, 5\), want \(n, 64\)"),
    ],
)
def test_shapes_that_do_not_belong_to_the_data_are_named(digits, train, test, x_hat, name):
    x = None if x_hat is None else torch.zeros(x_hat)
    with pytest.raises(ValueError, match=name):
        measure("bad", digits, torch.zeros(train), torch.zeros(test), x, chapter="c")


def shown_in_a_notebook(value):
    """The data of the output of a cell that ends with the value, as a notebook file keeps it."""
    data, _ = DisplayFormatter().format(value)
    cell = new_code_cell(outputs=[new_output("execute_result", data, execution_count=1)])
    text = nbformat.writes(new_notebook(cells=[cell]))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return notebook.cells[0].outputs[0].data


def test_rows_survive_the_way_through_a_notebook():
    row = Row(**{**vars(ROW), "method": "<b>\"quoted\" & 'more'</b>", "error": None})
    data = shown_in_a_notebook(table([row, ROW]))
    assert set(data) == {"text/plain", "text/html", MIME_TYPE}
    assert rows_from_data(data[MIME_TYPE]) == [row, ROW]
    assert data[MIME_TYPE]["rows"][1]["probe_100"] == {"mean": 0.7512, "std": 0.0123}
    assert data["text/plain"] == repr(table([row, ROW]))
    assert data["text/html"] == table([row, ROW]).to_html()


def test_names_are_text_in_the_page():
    shown = table([Row(**{**vars(ROW), "method": "<b>\"quoted\" & 'more'</b>"})]).to_html()
    assert "<b>" not in shown
    assert ">&lt;b&gt;&quot;quoted&quot; &amp; &#x27;more&#x27;&lt;/b&gt;<" in shown


def test_numbers_are_written_for_readers():
    shown = html.unescape(table([ROW]).to_html())
    for text in (">1,024<", ">13.87<", ">25<", ">75.1 ± 1.2<", ">90.0<", "Measured on digits 8x8"):
        assert text in shown
    first, head, line = repr(table([ROW])).splitlines()
    assert first.startswith("Measured on digits 8x8.")
    assert len(head) == len(line)
    assert line.split()[0] == "PCA"


def test_the_table_says_what_is_a_heading():
    shown = table([ROW, ROW]).to_html()
    assert shown.count('<th scope="row">') == 2
    assert shown.count('<th scope="col">') == 7
    assert 'tabindex="0"' in shown


def test_links_lead_to_the_chapter():
    shown = table([ROW], links={"lectures/03_pca": '03.html?a="b"'}).to_html()
    assert '<a href="03.html?a=&quot;b&quot;">PCA</a>' in shown
    assert "<a " not in table([ROW], links={"elsewhere": "x"}).to_html()


def test_a_table_needs_a_row():
    with pytest.raises(ValueError, match="rows: got none"):
        table([])
