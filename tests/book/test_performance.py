"""The page of stored benchmark results, made from results that are made up here."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil

import pytest
from sphinx.application import Sphinx
from sphinx.errors import SphinxWarning
from sphinx.util.docutils import docutils_namespace

from replearn_book.figures import problems_of_html
from replearn_book.performance_conclusions import CONCLUSIONS, problem_of
from replearn_book.performance_pages import (
    RESULTS,
    bars,
    conclusion,
    format_number,
    goal_line,
    machine_lines,
    provenance_line,
    table_lines,
)
from tests.benchmarks.cases import all_cases

RESULT = {
    "case": "race",
    "title": "A race over a mile",
    "reference": "hare",
    "ratios": {"hare": 1.0, "snail": 30.0, "tortoise": 12.5},
    "goals": [
        {"ours": "hare", "peer": "tortoise", "at_least": 4.0, "ratio": 12.5, "met": True},
        {"ours": "hare", "peer": "snail", "at_least": 40.0, "ratio": 30.0, "met": False},
        {"ours": "hare", "fact": "ears", "at_least": 3, "at_most": None, "value": 2, "met": False},
    ],
    "missed": {"snail": "it is still under way"},
    "failed": {"fox": "FileNotFoundError: no fox"},
    "facts": {"hare": {"ears": 2.0, "seconds of sleep": 3600.0}, "snail": {"ears": 0.0}},
    "shown": ["ears"],
    "absolute": False,
    "repeats": 3,
    "seconds": {"hare": [0.123, 0.123], "snail": [3.69, 3.69], "tortoise": [1.5375, 1.5375]},
    "machine": {"cpu": "Abacus 3", "cores": 2, "gpu": "Slide rule", "load_1min": 0.5},
    "versions": {"python": "3.11", "torch": "2.13"},
    "date": "2026-11-20T21:00:00+00:00",
    "commit": "0123456789abcdef0123456789abcdef01234567-dirty",
}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.00"), (12.345, "12.3"), (1234.5, "1,234"), (0.0, "0"), (2e-7, "2.0e-07")],
)
def test_numbers_have_three_digits_that_count(value, text):
    assert format_number(value) == text


def test_the_table_has_the_fastest_first_and_only_the_facts_that_are_to_be_shown():
    lines = table_lines(RESULT)
    names = [line.split("|")[1].strip() for line in lines[2:]]
    assert names == ["hare", "tortoise", "snail", "fox"]
    assert "ears: 2.00" in lines[2]
    assert "sleep" not in "".join(lines)
    assert "**misses the target**: it is still under way" in lines[4]
    assert "failed: FileNotFoundError: no fox" in lines[5]


def test_goals_are_met_or_missed_in_words():
    met, missed, fact = map(goal_line, RESULT["goals"])
    assert ": met, 12.5 times" in met
    assert "MISSED" not in met
    assert "**MISSED**, 30.0 times" in missed
    assert "ears at least 3: **MISSED**, 2.00" in fact


def test_the_figure_says_its_conclusion():
    html = bars(RESULT)
    assert problems_of_html(html) == []
    assert f'aria-label="{conclusion(RESULT)}"' in html
    assert "hare takes the least time and tortoise the most, 12.5 times" in conclusion(RESULT)
    assert "do not reach the target: snail" in conclusion(RESULT)


def test_the_conclusion_speaks_of_the_fastest_also_when_that_is_a_peer():
    result = RESULT | {"missed": {}, "ratios": {"hare": 1.0, "snail": 0.5, "tortoise": 2.0}}
    assert conclusion(result).startswith("snail takes the least time and tortoise the most, 4.00")


def test_where_and_when_it_was_measured():
    line = provenance_line(RESULT)
    for part in (
        "2026-11-20",
        "2 cores of Abacus 3",
        "torch 2.13",
        "0123456789 with",
        "changes since",
    ):
        assert part in line
    assert "Slide rule" not in line
    assert "Slide rule" in provenance_line(RESULT | {"absolute": True})


def test_runs_of_one_machine_share_a_sentence():
    later = RESULT | {"date": "2026-11-22T08:00:00+00:00", "commit": "f" * 40}
    elsewhere = RESULT | {"machine": RESULT["machine"] | {"cpu": "Abacus 4"}}
    lines = machine_lines([later, RESULT, RESULT, elsewhere])
    assert len(lines) == 2
    assert lines[0].startswith("Measured on 2026-11-20 to 2026-11-22 on 2 cores of Abacus 3")
    assert "Abacus 4" in lines[1]


@pytest.fixture
def site(root, tmp_path):
    """A book of one page; build() returns its text."""
    source = tmp_path / "source"
    (source / "book" / "results" / "bench").mkdir(parents=True)
    (source / "index.md").write_text("# Speed\n\n```{performance} race walk\n```\n")

    def build() -> str:
        with docutils_namespace():  # several applications in one process
            Sphinx(
                str(source),
                None,
                str(tmp_path / "html"),
                str(tmp_path / "doctrees"),
                "html",
                confoverrides={
                    "extensions": ["myst_parser", "replearn_book.performance_pages"],
                    "project": "tiny",
                },
                status=None,
                warningiserror=True,
            ).build()
        return (tmp_path / "html" / "index.html").read_text(encoding="utf-8")

    build.results = source / "book" / "results" / "bench"
    return build


def test_the_page_is_made_anew_when_a_result_is_stored_or_changes(site):
    text = site()
    assert text.count("has not been measured and stored yet") == 2
    path = site.results / "race.json"
    path.write_text(json.dumps(RESULT))
    text = site()
    assert text.count("has not been measured and stored yet") == 1
    assert "A race over a mile" in text
    assert "<strong>MISSED</strong>" in text
    assert 'role="img"' in text
    assert "0.123" not in text  # seconds stay out of it
    later = path.stat().st_mtime + 10
    path.write_text(json.dumps(RESULT | {"title": "A race over two miles"}))
    os.utime(path, (later, later))
    assert "A race over two miles" in site()


@pytest.mark.parametrize("name", CONCLUSIONS)
def test_what_the_page_says_in_words_holds_for_the_stored_results(name, root):
    assert problem_of(name, root / RESULTS) == ""
    page = (root / "book" / "performance.md").read_text(encoding="utf-8")
    assert page.count(f"{{measured}}`{name}`") == 1


@pytest.mark.parametrize(
    ("name", "case", "found"),
    [
        ("a-tenth-is-not-zero", "sparse-coherent-1e-6", "'share not zero': 0.0964"),
        ("coherent-atoms-have-a-larger-l", "sparse-coherent-1e-6", "'L': 22.09"),
        ("l-is-almost-the-number-of-atoms", "sparse-raw", "'L': 245.01"),
        ("double-precision-takes-longer", "pca", "'replearn covariance_eigh': 1.0"),
        ("products-take-most-of-the-time", "training-deep", 'peak rate": 0.80'),
    ],
)
def test_a_sentence_that_the_results_do_not_bear_out_is_an_error(name, case, found, root, tmp_path):
    for stored in (root / RESULTS).glob("*.json"):
        shutil.copy(stored, tmp_path)
    result = json.loads((tmp_path / f"{case}.json").read_text(encoding="utf-8"))
    text = re.sub(re.escape(found) + r"\d*", found.rpartition(": ")[0] + ": 0.001", str(result))
    assert text != str(result)
    (tmp_path / f"{case}.json").write_text(json.dumps(ast.literal_eval(text)))
    assert problem_of(name, tmp_path).endswith("say otherwise")
    (tmp_path / f"{case}.json").unlink()
    assert problem_of(name, tmp_path) == f"{name}: not measured and stored: {case}"


def test_the_build_stops_at_a_sentence_without_its_result(site):
    (site.results.parents[2] / "index.md").write_text("# Speed\n\nIt is.{measured}`pca-is-fast`\n")
    with pytest.raises(SphinxWarning, match="no comparison 'pca-is-fast'; want one of"):
        site()


def test_every_case_has_its_place_on_the_page(root):
    page = (root / "book" / "performance.md").read_text(encoding="utf-8")
    named = re.findall(r"^```\{performance\} (.+)$", page, flags=re.MULTILINE)
    names = [name for line in named for name in line.split()]
    assert sorted(names) == sorted(all_cases())


def test_every_stored_result_belongs_to_a_case(root):
    stored = (root / "book" / "results" / "bench").glob("*.json")
    assert {path.stem for path in stored} <= set(all_cases())
