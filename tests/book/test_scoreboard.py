"""The scoreboard: its sentences and tables, from results that are made up here."""

from __future__ import annotations

import json

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from book.experiments.registry import ALL
from book.experiments.store import read
from book.experiments.task import Experiment, Outcome, Published
from replearn_book.figures import problems_of_html
from replearn_book.scoreboard_pages import (
    conclusion,
    cost,
    detail_lines,
    dots,
    measured,
    table_lines,
    verdict,
)

EXPERIMENT = Experiment(
    name="sieve",
    title="A sieve",
    network="holes of 3 mm",
    metric="sand lost",
    unit="%",
    digits=2,
    published=(
        Published("1.5", "hinton2006reducing"),
        Published("1.28", "hinton2006reducing", "p. 3", network="silk", checked="the paper"),
    ),
    run=lambda job: Outcome(0.0),
    family="sieves",
    note="Shaken by hand.",
)
FREE = Experiment(
    name="free",
    title="Free",
    network="none",
    metric="sand lost",
    unit="",
    digits=1,
    published=(),
    run=lambda job: Outcome(0.0),
    family="sieves",
)


def result(*values: float, device: str = "cpu") -> dict:
    runs = [
        {
            "seed": seed,
            "value": value,
            "details": {"validation": value + 1},
            "device": device,
            "cpu_seconds": 90.0,
            "wall_seconds": 30.0,
            "data": "sand",
            "machine": {"cpu": "Abacus 3", "cores": 2, "gpu": None, "load_1min": 0.5},
            "versions": {"python": "3.11"},
            "date": "2026-11-20T21:00:00+00:00",
            "commit": None,
        }
        for seed, value in enumerate(values)
    ]
    return {"name": "sieve", "runs": runs}


def test_a_figure_is_reached_at_the_precision_it_was_printed_in():
    assert Published("0.09", "x").reached_by(0.0949)
    assert not Published("0.09", "x").reached_by(0.0951)
    assert not Published("3.00", "x").reached_by(3.006)
    assert Published("3.00", "x").reached_by(3.004)


def test_each_published_figure_has_its_verdict():
    assert verdict(EXPERIMENT, result(1.4)) == "1.5% reached, 1.28% **MISSED**"
    assert verdict(EXPERIMENT, result(1.2, 1.3)) == "1.5% reached, 1.28% reached"
    assert verdict(FREE, result(1.4)) == "nothing was printed"


def test_the_spread_over_seeds_is_shown_and_a_single_seed_is_said():
    assert measured(EXPERIMENT, result(1.2, 1.3)) == "1.25% (1.20 to 1.30, 2 seeds)"
    assert measured(EXPERIMENT, result(1.2)) == "1.20% (one seed)"


def test_the_cost_is_cpu_time_unless_a_card_did_the_work():
    assert cost(result(1.0)) == "1.5 min of CPU time"
    assert cost(result(1.0, device="cuda:0")) == "30 s on a graphics card"


def test_the_table_says_what_was_not_run():
    lines = table_lines([(EXPERIMENT, result(1.2)), (FREE, None)])
    assert lines[3] == "| Free | none | – | not run yet |  |  |"
    assert {line.count("|") for line in lines} == {7}


def test_a_figure_says_its_place_another_network_and_that_nobody_checked_it():
    cell = table_lines([(EXPERIMENT, None)])[2].split(" | ")[2]
    assert cell == (
        "1.5% {cite}`hinton2006reducing` (not checked against the paper); "
        "1.28% {cite}`hinton2006reducing` (p. 3; of silk)"
    )


def test_the_contractive_figure_is_of_one_layer():
    (figure,) = ALL["stacked-contractive"].published
    assert figure.network.startswith("784-1000-10,")
    assert figure.checked


def test_details_are_means_over_the_seeds():
    lines = detail_lines([(EXPERIMENT, result(1.0, 2.0)), (FREE, None)])
    assert lines == ["- *A sieve.* Shaken by hand. Also measured: validation 2.50."]


def test_what_a_schedule_was_chosen_by_is_said():
    validated = result(1.0) | {"validation": [{"value": 1.5, "n_train": 50_000}]}
    (line,) = detail_lines([(EXPERIMENT, validated)])
    assert line.endswith(
        "The schedule was chosen on 50,000 training samples, where it reaches 1.50% on those that "
        "were held out."
    )


def test_the_figure_says_its_conclusion():
    pairs = [(EXPERIMENT, result(1.28, 1.28)), (FREE, result(1.0))]
    assert "A sieve 1.00 times" in conclusion(pairs)
    assert "Free" not in conclusion(pairs)
    assert problems_of_html(dots(pairs)) == []


def test_the_page_is_right_that_pretraining_gains_no_more_than_seeds_differ(root):
    control, pretrained = (
        [run["value"] for run in read(root, name)["runs"]] for name in ("random-start", "k-sparse")
    )
    gain = sum(control) / len(control) - sum(pretrained) / len(pretrained)
    assert abs(gain) <= max(pretrained) - min(pretrained)


def test_every_source_is_in_the_bibliography(root):
    text = (root / "book" / "references.bib").read_text(encoding="utf-8")
    cited = {figure.source for experiment in ALL.values() for figure in experiment.published}
    assert [key for key in sorted(cited) if f"{{{key}," not in text] == []


def test_the_page_has_every_family(root):
    text = (root / "book" / "scoreboard.md").read_text(encoding="utf-8")
    assert all(
        f"```{{scoreboard}} {family}\n" in text for family in {e.family for e in ALL.values()}
    )


@pytest.fixture
def site(tmp_path):
    """A book of one page; build() returns its text."""
    source = tmp_path / "source"
    source.mkdir()

    def build(family: str) -> tuple[str, str]:
        (source / "index.md").write_text(f"# Scores\n\n```{{scoreboard}} {family}\n```\n")
        with docutils_namespace(), (tmp_path / "warnings").open("w+") as warnings:
            Sphinx(
                str(source), None, str(tmp_path / "html"), str(tmp_path / "doctrees"), "html",
                confoverrides={
                    "extensions": ["myst_parser", "replearn_book.scoreboard_pages"],
                    "suppress_warnings": ["myst.role_unknown"],
                },
                status=None, warning=warnings,
            ).build(force_all=True)  # fmt: skip
            warnings.seek(0)
            return (tmp_path / "html" / "index.html").read_text(), warnings.read()

    build.source = source
    return build


def test_the_directive_shows_stored_results(site):
    folder = site.source / "book" / "results" / "experiments"
    folder.mkdir(parents=True)
    name = "codes-deep"
    (folder / f"{name}.json").write_text(json.dumps(result(2.5, 2.7) | {"name": name}))
    page, _ = site("codes of 30 numbers")
    assert "2.60 (2.50 to 2.70, 2 seeds)" in page
    assert "not run yet" in page
    assert "Abacus 3" in page
    assert "<svg" in page


def test_an_experiment_that_was_only_validated_is_not_run_yet(site):
    folder = site.source / "book" / "results" / "experiments"
    folder.mkdir(parents=True)
    made = {"name": "codes-deep", "runs": [], "validation": result(3.1)["runs"]}
    (folder / "codes-deep.json").write_text(json.dumps(made))
    page, warnings = site("codes of 30 numbers")
    assert "3.10" not in page
    assert page.count("not run yet") == 4
    assert "error" not in warnings.lower()


def test_a_family_that_does_not_exist_is_an_error_that_names_those_there_are(site):
    _, warnings = site("codes of 31 numbers")
    assert "no experiment belongs to 'codes of 31 numbers'" in warnings
    assert "codes of 30 numbers" in warnings


def test_a_damaged_file_is_an_error_that_names_it(site):
    folder = site.source / "book" / "results" / "experiments"
    folder.mkdir(parents=True)
    (folder / "codes-deep.json").write_text("[]")
    _, warnings = site("codes of 30 numbers")
    assert "codes-deep.json is not a file of results" in warnings
