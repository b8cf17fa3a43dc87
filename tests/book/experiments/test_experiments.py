"""The machinery of the long experiments, on the bundled digits and for one epoch each."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import replace

import pytest
import torch

from book.experiments import __main__ as command
from book.experiments import classification, stages, store
from book.experiments.provenance import provenance
from book.experiments.registry import ALL
from book.experiments.task import Job, Outcome, Split
from replearn import pretraining, training
from replearn.data import load_digits
from replearn.metrics import reconstruction_error
from replearn.pca import PCA
from replearn.pretraining import Classifier


@pytest.fixture(scope="module")
def digits():
    return load_digits().subset(240, 60)


@pytest.fixture
def main(digits, tmp_path, monkeypatch):
    """The command line, on few digits and one small experiment, in a folder of its own."""
    monkeypatch.setenv("REPLEARN_DEVICE", "cpu")

    def run(*arguments: str) -> int:
        return command.main(["--root", str(tmp_path), *arguments], data=digits)

    return run


def test_the_last_sixth_of_the_training_samples_is_held_out(digits):
    split = Split.of(digits)
    assert (len(split.X), len(split.X_val), len(split.X_test)) == (200, 40, 60)
    assert torch.equal(torch.cat([split.X, split.X_val]), digits.X)
    assert torch.equal(torch.cat([split.y, split.y_val]), digits.y)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("validate", [False, True])
def test_every_experiment_runs_and_says_what_it_measured(name, validate, digits, tmp_path):
    if validate and not ALL[name].scheduled:
        pytest.skip("has its validation samples always")
    job = Job(Split.of(digits), 0, tmp_path, quick=True, validate=validate)
    outcome = ALL[name].run(job)
    assert math.isfinite(outcome.value)
    assert outcome.value > 0
    assert all(math.isfinite(value) for value in outcome.details.values())
    if validate and "sigmoid" in ALL[name].network:
        assert any(curve["val_loss"] for curve in outcome.curves.values())
    trained = [curve for curve in outcome.curves.values() if curve["val_loss"]]
    assert all(len(curve["loss"]) == len(curve["val_loss"]) == 1 for curve in trained)


def test_a_run_is_stored_with_its_provenance_and_not_repeated(main, tmp_path, capsys):
    assert main("codes-pca") == 0
    found = store.read(tmp_path, "codes-pca")
    (run,) = found["runs"]
    told = {"cpu_seconds", "wall_seconds", "device", "versions", "machine", "date", "commit"}
    assert told <= set(run)
    assert run["n_train"] == 240
    assert "stored in" in capsys.readouterr().out
    assert main("codes-pca") == 0
    assert capsys.readouterr().out.strip().endswith("seed 0: stored")


def test_the_commit_is_dirty_when_code_differs_and_not_when_results_do(tmp_path):
    def git(*arguments):
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    assert provenance(tmp_path)["commit"] is None
    results = tmp_path / "book" / "results"
    results.mkdir(parents=True)
    (results / "a.json").write_text("1")
    (tmp_path / "code.py").write_text("1")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    head = git("rev-parse", "HEAD")
    (results / "a.json").write_text("2")
    assert provenance(tmp_path)["commit"] == head
    (tmp_path / "code.py").write_text("2")
    assert provenance(tmp_path)["commit"] == f"{head}-dirty"


def test_a_validation_run_scores_the_held_out_samples_and_is_stored_apart(main, tmp_path, digits):
    split = Split.of(digits)
    pca = PCA(30).fit(split.X)
    want = reconstruction_error(split.X_val, pca.inverse_transform(pca.transform(split.X_val)))
    assert main("--validate", "codes-pca", "keras-dense") == 0
    found = store.read(tmp_path, "codes-pca")
    (run,) = found["validation"]
    assert run["value"] == pytest.approx(want)
    assert run["n_train"] == 200
    assert found["runs"] == []
    assert store.read(tmp_path, "keras-dense") is None  # it has no schedule to be judged
    assert main("codes-pca") == 0
    found = store.read(tmp_path, "codes-pca")
    assert [len(found[kind]) for kind in ("runs", "validation")] == [1, 1]


def test_a_validation_run_never_sees_the_test_set(digits, tmp_path):
    split = Split.of(digits)
    spoilt = replace(split, X_test=split.X_test * math.nan)
    a, b = (
        ALL["k-sparse"].run(Job(data, 0, tmp_path / name, quick=True, validate=True))
        for name, data in (("a", split), ("b", spoilt))
    )
    assert (a.value, a.curves) == (b.value, b.curves)


def test_the_seeds_of_one_experiment_come_after_the_first_of_all(main, monkeypatch):
    order = []

    def record_of(experiment, job, root):
        order.append((experiment.name, job.seed))
        return {"value": 0.0}

    monkeypatch.setattr(store, "record_of", record_of)
    main("--quick", "--seeds", "2", "codes-pca", "codes-deep", "keras-dense")
    assert order == [
        ("codes-pca", 0),
        ("codes-deep", 0),
        ("keras-dense", 0),
        ("codes-deep", 1),
        ("keras-dense", 1),
    ]


def test_rows_that_are_missing_come_first_and_of_these_the_cheapest(main, tmp_path, monkeypatch):
    order = []

    def record_of(experiment, job, root):
        order.append((experiment.name, job.seed))
        return {"value": 0.0}

    stored = {"seed": 0, "value": 1.0, "cpu_seconds": 300.0}
    store.add(tmp_path, ALL["codes-deep"], stored)
    monkeypatch.setattr(store, "record_of", record_of)
    main("--quick", "--seeds", "2", "stacked-denoising", "codes-deep", "random-start-plain")
    names = ["random-start-plain", "codes-deep", "stacked-denoising"]
    assert order == [(name, seed) for seed in (0, 1) for name in names]


def test_what_is_missing_is_said_before_it_is_run_with_the_time_it_takes(
    main, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(store, "record_of", lambda *_: {"seed": 0, "value": 0.0})
    stored = {"seed": 0, "value": 1.0, "cpu_seconds": 7200.0}
    store.add(tmp_path, ALL["codes-deep"], stored)
    main("codes-deep")
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "2 of 3 runs are missing: about 4.0 h of CPU time"


def test_what_every_run_takes_is_stored_or_guessed(root):
    assert [name for name in ALL if store.cpu_seconds(root, ALL[name]) <= 0] == []


def test_every_random_start_has_the_network_and_the_rules_of_what_it_controls():
    controlled = [experiment for experiment in ALL.values() if experiment.control]
    assert len(controlled) == 8
    for experiment in controlled:
        control = ALL[experiment.control]
        assert (control.network, control.note) == (experiment.network, experiment.note)
        assert (control.seeds, control.control) == (3, "")
        assert control.run.keywords["rules"] == experiment.run.keywords["rules"]


@pytest.mark.parametrize("name", ["contractive-plain", "random-sigmoid-2"])
def test_plain_fine_tuning_has_neither_dropout_nor_adversarial_samples(
    name, digits, tmp_path, monkeypatch
):
    seen = []

    def classifier(*arguments, dropout, **options):
        seen.append(dropout)
        return Classifier(*arguments, dropout=dropout, **options)

    def adversarial(step):
        seen.append(step)
        return pretraining.adversarial(step)

    monkeypatch.setattr(classification, "Classifier", classifier)
    monkeypatch.setattr(classification, "adversarial", adversarial)
    ALL[name].run(Job(Split.of(digits), 0, tmp_path, quick=True))
    assert seen == ([0.0] if name.endswith("-plain") else [0.3, 0.08])


def test_a_random_start_begins_with_the_layers_that_pretraining_begins_with(digits, tmp_path):
    job = Job(Split.of(digits), 4, tmp_path, quick=True)
    drawn, m = classification._random(job, Outcome(0.0), depth=2, activation="sigmoid")
    layers = classification._sigmoid_layers([digits.X.shape[1], 16, 16], 4)
    assert m == 16
    for one, other in zip(drawn, layers, strict=True):
        assert torch.equal(one.weight, other.encoder[0].weight)


def test_the_sparse_figure_leaves_out_the_penalty(digits, tmp_path):
    outcome = ALL["keras-sparse"].run(Job(Split.of(digits), 0, tmp_path, quick=True))
    assert outcome.value < outcome.details["test, penalty included"]


def test_searched_codes_err_no_more_than_the_encoders(digits, tmp_path):
    outcome = ALL["codes-deep-searched"].run(Job(Split.of(digits), 0, tmp_path, quick=True))
    assert outcome.value < outcome.details["codes from the encoder"]


def test_a_new_run_leaves_what_was_superseded(tmp_path):
    path = store.path_of(tmp_path, "codes-pca")
    path.parent.mkdir(parents=True)
    old = [{"seed": 0, "value": 9.0, "form": "another", "because": "of that"}]
    path.write_text(json.dumps({"runs": [], "superseded": old}))
    store.add(tmp_path, ALL["codes-pca"], {"seed": 0, "value": 1.0})
    assert store.read(tmp_path, "codes-pca")["superseded"] == old


def test_what_was_superseded_says_what_it_was_and_why_it_is_not_what_counts(root):
    for name in ALL:
        for run in (store.read(root, name) or {}).get("superseded", []):
            assert run["form"]
            assert run["because"]
            assert run["commit"] if run["value"] is not None else run["replaced_by"]


def test_the_stored_sparse_runs_keep_the_loss_with_the_penalty(root):
    for run in store.read(root, "keras-sparse")["runs"]:
        assert run["value"] < run["details"]["test, penalty included"]


def test_a_quick_run_stores_nothing(main, tmp_path):
    assert main("--quick", "--seeds", "1", "codes-pca") == 0
    assert not (tmp_path / store.FOLDER).exists()


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("k-sparse", "fine-tuning2"),
        ("contractive-plain", "fine-tuning2"),
        ("random-sigmoid-3", "fine-tuning3"),
        ("codes-deep-searched", "stage2"),
    ],
)
def test_a_run_that_was_interrupted_ends_with_the_same_figure(
    name, stage, digits, tmp_path, monkeypatch
):
    """Stopped in a step of a later stage of training, and begun again."""
    whole = ALL[name].run(Job(Split.of(digits), 3, tmp_path / "whole", quick=True))
    job = Job(Split.of(digits), 3, tmp_path / "parts", quick=True)

    def stop(*_, **__):
        raise KeyboardInterrupt

    def train(*arguments, checkpoint, **options):
        if checkpoint.stem == stage:
            patch.setattr(torch.optim.Adam, "step", stop)
        return training.train(*arguments, checkpoint=checkpoint, **options)

    with monkeypatch.context() as patch:
        patch.setattr(stages, "train", train)
        with pytest.raises(KeyboardInterrupt):
            ALL[name].run(job)
    assert f"{stage}.pt" in {path.name for path in job.work.iterdir()}
    resumed = ALL[name].run(job)
    assert resumed.value == whole.value
    assert resumed.details == whole.details
    assert resumed.curves == whole.curves


def test_a_seed_that_is_run_again_takes_the_place_of_its_record(tmp_path):
    experiment = ALL["codes-pca"]
    for seed, value in ((1, 2.0), (0, 1.0), (1, 3.0)):
        store.add(tmp_path, experiment, {"seed": seed, "value": value})
    runs = json.loads(store.path_of(tmp_path, "codes-pca").read_text())["runs"]
    assert runs == [{"seed": 0, "value": 1.0}, {"seed": 1, "value": 3.0}]
    assert store.seeds_done(tmp_path, "codes-pca") == {0, 1}
    assert store.seeds_done(tmp_path, "codes-deep") == set()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": 3}', '{"runs": [], "superseded": 3}'])
def test_a_damaged_file_of_results_is_named(tmp_path, text):
    path = store.path_of(tmp_path, "codes-pca")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match=r"codes-pca\.json is not a file of results"):
        store.read(tmp_path, "codes-pca")


def test_curves_are_stored_with_six_digits(digits, tmp_path):
    outcome = Outcome(1.0, curves={"one": {"loss": [1 / 3], "val_loss": []}})
    experiment = replace(ALL["codes-pca"], run=lambda job: outcome)
    record = store.record_of(experiment, Job(Split.of(digits), 0, tmp_path), tmp_path)
    assert record["curves"] == {"one": {"loss": [0.333333], "val_loss": []}}


def test_an_unknown_name_is_refused_with_those_that_there_are(main, capsys):
    assert main("codes-pcs") == 2
    error = capsys.readouterr().err
    assert "no experiment 'codes-pcs'" in error
    assert "codes-pca" in error
    assert main("--seeds", "0") == 2
    assert "--seeds is 0, want at least 1" in capsys.readouterr().err


def test_the_list_names_every_experiment(main, capsys):
    assert main("--list") == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(ALL)
    runs = sum(experiment.seeds for experiment in ALL.values())
    assert last.startswith(f"{runs} of {runs} runs are missing: about ")


def test_without_mnist_the_command_says_where_to_put_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("REPLEARN_OFFLINE", "1")
    assert command.main(["codes-pca", "--root", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
