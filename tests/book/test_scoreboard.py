"""The scoreboard: its sentences and tables, from results that are made up here."""

from __future__ import annotations

import json
from dataclasses import replace

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
from replearn_book.scoreboard_sentences import on_codes, on_fine_tuning

EXPERIMENT = Experiment(
    name="sieve",
    title="A sieve",
    network="holes of 3 mm",
    metric="sand lost",
    unit="%",
    digits=2,
    published=(
        Published("1.5", "hinton2006reducing", checked="the paper"),
        Published("1.28", "hinton2006reducing", "p. 3", checked="the paper"),
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


def test_each_published_figure_has_its_verdict_by_the_mean_and_by_seed():
    assert verdict(EXPERIMENT, result(1.4)) == (
        "1.5% reached by the one seed so far; 1.28% **MISSED** by the one seed so far"
    )
    assert verdict(EXPERIMENT, result(1.2, 1.3)) == (
        "1.5% reached by the mean and by 2 of 2 seeds; "
        "1.28% reached by the mean and by 1 of 2 seeds"
    )
    assert verdict(EXPERIMENT, result(1.2, 1.4)).endswith(
        "1.28% **MISSED** by the mean, reached by 1 of 2 seeds"
    )
    assert verdict(replace(EXPERIMENT, seeds=1), result(1.4)) == "1.5% reached; 1.28% **MISSED**"
    assert verdict(FREE, result(1.4)) == "nothing was printed"


@pytest.mark.parametrize(
    ("figure", "why"),
    [
        ({"network": "silk"}, "it is of another network, silk"),
        ({"unlike": "it was shaken by a machine"}, "it was shaken by a machine"),
        ({"checked": ""}, "its rules were not checked against the source"),
    ],
)
def test_a_figure_of_other_rules_is_a_goal_and_gets_no_verdict(figure, why):
    goal = replace(EXPERIMENT.published[0], **figure)
    experiment = replace(EXPERIMENT, published=(goal,))
    said = verdict(experiment, result(1.2))
    assert said == f"1.5% is a goal, not a comparison: {why}"
    assert verdict(experiment, None) == said


def test_fine_tuning_with_more_than_the_published_rules_gets_no_verdict():
    for experiment in ALL.values():
        if experiment.family == "test error after fine-tuning" and "-plain" not in experiment.name:
            assert all(figure.not_comparable for figure in experiment.published), experiment.name


@pytest.mark.parametrize("name", ["codes-logistic-pca", "codes-deep", "stacked-contractive-plain"])
def test_other_methods_and_other_networks_get_no_verdict(name):
    assert all(figure.not_comparable for figure in ALL[name].published)
    assert ALL[name].published


def test_the_contractive_figure_is_of_one_layer():
    (figure,) = ALL["contractive-plain"].published
    assert figure.text == "1.14"
    assert not figure.not_comparable
    assert ALL["contractive-plain"].network == "784-1000-10, sigmoid"


def test_every_seed_is_shown_and_how_many_are_missing():
    assert measured(EXPERIMENT, result(1.2, 1.3)) == "1.25% (1.20, 1.30; 2 of 3 seeds)"
    assert measured(EXPERIMENT, result(1.2)) == "1.20% (1 of 3 seeds)"
    assert measured(replace(EXPERIMENT, seeds=1), result(1.2)) == "1.20%"


def test_the_cost_is_cpu_time_unless_a_card_did_the_work():
    assert cost(result(1.0)) == "1.5 min of CPU time"
    assert cost(result(1.0, device="cuda:0")) == "30 s on a graphics card"


def test_the_table_says_what_was_not_run():
    lines = table_lines([(EXPERIMENT, result(1.2)), (FREE, None)])
    assert lines[3] == "| Free | none | – | not run yet |  |  |"
    assert {line.count("|") for line in lines} == {7}


def test_a_figure_says_its_place():
    cell = table_lines([(EXPERIMENT, None)])[2].split(" | ")[2]
    assert cell == "1.5% {cite}`hinton2006reducing`; 1.28% {cite}`hinton2006reducing` (p. 3)"


def lines_of(found: dict) -> str:
    """The details of the sieve with these results."""
    (line,) = detail_lines([(EXPERIMENT, found if found["runs"] else None)], {"sieve": found})
    return line


def test_details_are_means_over_the_seeds():
    assert lines_of(result(1.0, 2.0)) == (
        "- *A sieve.* Shaken by hand. Also measured: validation 2.50. "
        "Measured from commit outside a repository."
    )
    assert detail_lines([(FREE, None)], {}) == []


def test_what_a_schedule_was_chosen_by_is_said_and_that_the_rest_is_not_recorded():
    scheduled = replace(EXPERIMENT, scheduled=True)
    validated = result(1.0) | {"validation": [{"value": 1.5, "n_train": 50_000}]}
    (line,) = detail_lines([(scheduled, validated)], {})
    assert (
        "The schedule was chosen on 50,000 training samples, where it reaches 1.50% on those that "
        "were held out; which other schedules were tried is not recorded."
    ) in line
    (line,) = detail_lines([(scheduled, result(1.0))], {})
    assert "No stored run judges its schedule on samples that were held out." in line


def test_no_row_hides_that_files_differed_from_its_commit():
    found = result(1.0, 1.1, 1.2)
    for run, commit in zip(found["runs"], ("a" * 40, "b" * 40 + "-dirty", "a" * 40), strict=True):
        run["commit"] = commit
    assert lines_of(found).endswith(
        "Measured from commits aaaaaaaaaa (seeds 0 and 2) and "
        "bbbbbbbbbb with changes since (seed 1)."
    )


def test_every_stored_run_that_is_dirty_is_said_in_its_row(root):
    stored = {name: found for name in ALL if (found := read(root, name))}
    for name, found in stored.items():
        runs = [*found["runs"], *found.get("superseded", [])]
        dirty = any("-dirty" in (run["commit"] or "") for run in runs)
        (line,) = detail_lines([(ALL[name], found)], {name: found})
        assert ("with changes since" in line) == dirty, name


def test_a_record_that_was_changed_says_so():
    found = result(1.0)
    found["runs"][0]["changed"] = "The sand was weighed anew."
    assert "The sand was weighed anew." in lines_of(found)


def test_a_superseded_run_is_shown_with_its_figure():
    old = result(1.9, 2.0)["runs"]
    for run in old:
        run |= {"form": "holes of 4 mm", "because": "they were too wide", "commit": "c" * 40}
    line = lines_of(result(1.0) | {"superseded": old})
    assert (
        "Superseded: 1.90%, 2.00% (holes of 4 mm; commit cccccccccc), "
        "because they were too wide." in line
    )


def test_a_miss_whose_figure_was_not_kept_is_shown_as_a_miss():
    lost = {
        "seed": None, "value": None, "commit": None, "form": "holes of 4 mm",
        "because": "it was above 1.28%", "replaced_by": "d" * 40,
    }  # fmt: skip
    assert (
        "An earlier form was superseded (holes of 4 mm): a miss, since it was above 1.28%; its "
        "figure was not kept. Commit dddddddddd replaced it."
    ) in lines_of({"runs": [], "superseded": [lost]})


@pytest.mark.parametrize("name", ["codes-deep", "keras-convolutional", "stacked-contractive"])
def test_the_misses_before_the_stored_runs_are_shown(name, root):
    found = read(root, name)
    (line,) = detail_lines([(ALL[name], found)], {name: found})
    assert "a miss, since" in line


def test_the_figure_says_its_conclusion():
    pairs = [(EXPERIMENT, result(1.28, 1.28)), (FREE, result(1.0))]
    assert conclusion(pairs) == (
        "The measured values as shares of the lowest published ones of equal rules: "
        "A sieve 1.00 times."
    )
    assert problems_of_html(dots(pairs)) == []


def test_the_figure_tells_goals_from_comparisons():
    goal = Published("1.6", "x", unlike="it is of silk", checked="the paper")
    only = replace(EXPERIMENT, title="A veil", published=(goal,))
    both = replace(EXPERIMENT, published=(goal, *EXPERIMENT.published, replace(goal, text="0.1")))
    assert conclusion([(only, result(0.8)), (both, result(1.28))]) == (
        "The measured values as shares of the lowest published ones of equal rules: "
        "A sieve 1.00 times. As shares of a goal, of other rules: A veil 0.50 times."
    )
    assert problems_of_html(dots([(only, result(0.8)), (both, result(1.28))])) == []


CODES = ("codes-logistic-pca", "codes-logistic-autoencoder", "codes-deep", "codes-deep-searched")


def on_codes_with(*means: float | None) -> str:
    """The sentences on codes, where the four experiments have these means."""
    made = [None if value is None else result(value) for value in means]
    return " ".join(on_codes([(ALL[name], one) for name, one in zip(CODES, made, strict=True)]))


def test_the_sentences_on_codes_follow_the_numbers():
    said = on_codes_with(2.77, 7.92, 2.86, None)
    assert (
        "logistic PCA errs by 2.77, less than the deep autoencoder (2.86) and less than the 3.00 "
        "that was printed"
    ) in said
    assert "errs by 7.92, more than with the search and more than the deep autoencoder." in said
    assert "has not been run yet, so this table does not say which decoder is the better" in said
    said = on_codes_with(3.1, 2.5, 2.86, 1.5)
    assert "more than the deep autoencoder (2.86) and more than the 3.00" in said
    assert "errs by 2.50, less than with the search and less than the deep autoencoder." in said
    assert "errs by 1.50, less than logistic PCA." in said
    assert "errs by 4.00, more than logistic PCA." in on_codes_with(3.1, 2.5, 2.86, 4.0)
    assert "errs by 3.10, as much as logistic PCA." in on_codes_with(3.1, 2.5, 2.86, 3.1)
    assert on_codes_with(None, 1.0, 1.0, 1.0).endswith("have not both been run yet.")


SIEVES = (
    replace(EXPERIMENT, control="tray"),
    replace(EXPERIMENT, name="tray", title="A tray", published=()),
)


def on_sieves(sieve: tuple[float, ...], tray: tuple[float, ...]) -> str:
    """The sentences on a sieve and its control, the tray."""
    made = (result(*runs) if runs else None for runs in (sieve, tray))
    return "\n".join(on_fine_tuning(list(zip(SIEVES, made, strict=True))))


def test_what_pretraining_adds_is_weighed_against_what_seeds_differ():
    said = on_sieves((1.2, 1.3), (1.3,))
    assert (
        "*A sieve*: 1.25% with pretraining, 1.30% from a random start (2 against 1 seeds): a "
        "difference of 0.05 points, no larger than the 0.10 points between the best and the worst "
        "seed of one start."
    ) in said
    assert "a difference of 0.30 points, larger than the 0.10 points" in on_sieves(
        (1.0, 1.1), (1.35,)
    )
    assert "with one seed each nothing is known of the spread" in on_sieves((1.0,), (2.0,))
    assert "has not been run: *A sieve*." in on_sieves((1.0,), ())


def test_how_many_printed_figures_the_rules_alone_go_below_is_counted():
    assert "has 1.40%, which is below 1 of the 2 figures" in on_sieves((), (1.4,))
    assert "not due to pretraining alone" in on_sieves((), (1.4,))
    assert "has 1.00%, which is below all 2 figures" in on_sieves((), (1.0,))
    assert "has 1.50%, which is below none of the 2 figures" in on_sieves((), (1.5,))
    assert "not due to pretraining alone" not in on_sieves((), (1.5,))


@pytest.mark.parametrize(("plain", "words"), [(1.4, "less"), (0.9, "more"), (1.0, "as much")])
def test_the_two_rules_are_compared_for_the_same_start(plain, words):
    other = replace(EXPERIMENT, name="sieve-plain", title="A plain sieve")
    said = " ".join(on_fine_tuning([(EXPERIMENT, result(1.0)), (other, result(plain, plain))]))
    than = "as" if words == "as much" else "than"
    assert (
        f"*A sieve* has 1.00%, {words} {than} *A plain sieve* ({plain:.2f}%; 1 against 2 seeds)."
    ) in said
    assert "A plain" not in " ".join(on_fine_tuning([(EXPERIMENT, result(1.0)), (other, None)]))


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

    def build(family: str, directive: str = "scoreboard") -> tuple[str, str]:
        (source / "index.md").write_text(f"# Scores\n\n```{{{directive}}} {family}\n```\n")
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
    assert "2.60 (2.50, 2.70; 2 of 3 seeds)" in page
    assert "is a goal, not a comparison" in page
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
    assert page.count("not run yet") == 5
    assert "error" not in warnings.lower()


def test_the_discussion_is_made_of_stored_results(site):
    folder = site.source / "book" / "results" / "experiments"
    folder.mkdir(parents=True)
    for name, value in (("codes-deep", 2.5), ("codes-logistic-pca", 2.75)):
        (folder / f"{name}.json").write_text(json.dumps(result(value) | {"name": name}))
    page, _ = site("codes of 30 numbers", "scoreboard-discussion")
    assert "errs by 2.75, more than the deep autoencoder (2.50)" in page


def test_a_family_without_a_discussion_is_an_error_that_names_those_with_one(site):
    _, warnings = site("autoencoders after the Keras blog", "scoreboard-discussion")
    assert "no discussion of 'autoencoders after the Keras blog'" in warnings
    assert "codes of 30 numbers" in warnings


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
