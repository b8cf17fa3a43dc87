"""Results on disk: one JSON file per experiment, with a record for each seed.

Runs that score the test set are under "runs", those that judge a choice under "validation". A run
whose place another form of the experiment took stays, under "superseded": its record says under
"form" what was different and under "because" why another took its place. Where the record was not
kept, its "value" is None.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any, Literal

from book.experiments.provenance import provenance
from book.experiments.task import Experiment, Job, Outcome
from replearn._files import write_atomically

Kind = Literal["runs", "validation"]
FOLDER = Path("book/results/experiments")


def path_of(root: Path, name: str) -> Path:
    """The file of an experiment's results."""
    return root / FOLDER / f"{name}.json"


def read(root: Path, name: str) -> dict[str, Any] | None:
    """The results of an experiment, or None if it has none.

    Raises
    ------
    ValueError : the file is not one of results.
    """
    path = path_of(root, name)
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        runs = found["runs"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a file of results: remove it, or restore it") from error
    lists = (runs, found.get("validation", []), found.get("superseded", []))
    if not all(isinstance(records, list) for records in lists):
        raise ValueError(f"{path} is not a file of results: remove it, or restore it")
    return dict(found)


def seeds_done(root: Path, name: str, kind: Kind = "runs") -> set[int]:
    """Seeds whose runs are stored."""
    found = read(root, name) or {}
    return {run["seed"] for run in found.get(kind, [])}


def cpu_seconds(root: Path, experiment: Experiment) -> float:
    """CPU time of a run: the mean of those that are stored, otherwise the guess of the registry."""
    runs = (read(root, experiment.name) or {}).get("runs", [])
    return statistics.fmean(run["cpu_seconds"] for run in runs) if runs else experiment.seconds


def add(root: Path, experiment: Experiment, record: dict[str, Any], kind: Kind = "runs") -> Path:
    """Store the record of a seed, in place of an older one; the file is replaced in one step."""
    found = read(root, experiment.name) or {"name": experiment.name, "runs": []}
    runs = [run for run in found.get(kind, []) if run["seed"] != record["seed"]] + [record]
    found |= {
        "title": experiment.title,
        "metric": experiment.metric,
        "unit": experiment.unit,
        kind: sorted(runs, key=lambda run: run["seed"]),
    }
    path = path_of(root, experiment.name)
    write_atomically(path, json.dumps(found, indent=1) + "\n")
    return path


def record_of(experiment: Experiment, job: Job, root: Path) -> dict[str, Any]:
    """Run one seed; return its record: value, details, curves, times, provenance.

    The wall time is that of this call: after an interruption, of what was left to do. The CPU
    time, of all threads, says what the run costs on a machine that does other things as well.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    outcome: Outcome = experiment.run(job)
    return {
        "seed": job.seed,
        "value": outcome.value,
        "details": outcome.details,
        "curves": {
            stage: {kind: [float(f"{x:.6g}") for x in values] for kind, values in curve.items()}
            for stage, curve in outcome.curves.items()
        },
        "data": job.data.name,
        "n_train": job.scored.n if experiment.scheduled else len(job.data.X),
        "device": str(job.data.X.device),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        **provenance(root),
    }
