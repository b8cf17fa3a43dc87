"""Command line of the long experiments: ``python -m book.experiments [NAME ...]``.

Every run of an experiment and a seed is stored when it is done, and is not repeated; one that was
interrupted goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from book.experiments import store
from book.experiments.registry import ALL
from book.experiments.task import Experiment, Job, Split
from replearn.data import DataUnavailable, load_mnist
from replearn.data.dataset import Dataset
from replearn.device import default_device


def main(argv: Sequence[str] | None = None, *, data: Dataset | None = None) -> int:
    """Run experiments; returns the exit status. ``data`` takes the place of MNIST in tests."""
    options = _parser().parse_args(argv)
    if options.list:
        _list(options.root)
        return 0
    unknown = [name for name in options.names if name not in ALL]
    if unknown or (options.seeds is not None and options.seeds < 1):
        wrong = f"no experiment {unknown[0]!r}" if unknown else f"--seeds is {options.seeds}"
        wanted = f"want one of {', '.join(ALL)}" if unknown else "want at least 1"
        print(f"error: {wrong}, {wanted}", file=sys.stderr)
        return 2
    try:
        split = _on_device(Split.of(load_mnist() if data is None else data))
    except DataUnavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    plan = _plan(options)
    if not options.quick and not options.validate:
        print(_missing(options.root, plan), flush=True)
    for number, (experiment, seed) in enumerate(plan, 1):
        _run(experiment, seed, split, options, f"[{number}/{len(plan)}]")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m book.experiments",
        description="Train the published networks anew and store what they reach.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; default: all")
    parser.add_argument("--list", action="store_true", help="name the experiments and stop")
    parser.add_argument("--seeds", type=int, help="runs each (default: as many as planned)")
    parser.add_argument("--quick", action="store_true", help="one epoch each; nothing is stored")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="one seed, scored on held-out training samples: to choose a schedule by",
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the book")
    return parser


def _plan(options: argparse.Namespace) -> list[tuple[Experiment, int]]:
    """Experiments and seeds, in the order of running.

    The first seed of every experiment comes before the second of any, and among equals the
    cheapest first: rows that are missing appear soonest.
    """
    chosen = [ALL[name] for name in options.names or ALL]
    if options.validate:
        return [(experiment, 0) for experiment in chosen if experiment.scheduled]
    plan = [
        (experiment, seed)
        for experiment in chosen
        for seed in range(min(options.seeds or experiment.seeds, experiment.seeds))
    ]
    cost = {experiment.name: store.cpu_seconds(options.root, experiment) for experiment in chosen}
    return sorted(plan, key=lambda run: (run[1], cost[run[0].name]))


def _missing(root: Path, plan: Sequence[tuple[Experiment, int]]) -> str:
    """How many runs of a plan are not stored, and the CPU time that they will take."""
    runs = [run for run in plan if run[1] not in store.seeds_done(root, run[0].name)]
    hours = sum(store.cpu_seconds(root, experiment) for experiment, _ in runs) / 3600
    return f"{len(runs)} of {len(plan)} runs are missing: about {hours:.1f} h of CPU time"


def _list(root: Path) -> None:
    """Print every experiment with its seeds and the CPU time of a run."""
    width = max(map(len, ALL))
    for experiment in ALL.values():
        done = len(store.seeds_done(root, experiment.name))
        minutes = store.cpu_seconds(root, experiment) / 60
        print(
            f"{experiment.name:{width}}  {done} of {experiment.seeds} seeds, {minutes:4.1f} min "
            f"each  {experiment.title}: {experiment.network}"
        )
    plan = [(experiment, seed) for experiment in ALL.values() for seed in range(experiment.seeds)]
    print(_missing(root, plan))


def _run(
    experiment: Experiment, seed: int, split: Split, options: argparse.Namespace, count: str
) -> None:
    """Run one seed and store its record, unless it is stored."""
    kind: store.Kind = "validation" if options.validate else "runs"
    label = f"{count} {experiment.name}, seed {seed}"
    label += ", validation" if options.validate else ""
    if not options.quick and seed in store.seeds_done(options.root, experiment.name, kind):
        print(f"{label}: stored", flush=True)
        return
    print(f"{label}: {experiment.network}", flush=True)
    folder = "experiments-quick" if options.quick else "experiments"
    work = options.root / "_build" / folder / experiment.name / kind / str(seed)
    job = Job(split, seed, work, quick=options.quick, validate=options.validate)
    record = store.record_of(experiment, job, options.root)
    print(f"{label}: {record['value']:.{experiment.digits}f}{experiment.unit}", flush=True)
    if not options.quick:
        print(f"stored in {store.add(options.root, experiment, record, kind)}", flush=True)
    shutil.rmtree(work, ignore_errors=True)


def _on_device(split: Split) -> Split:
    """The split on the default device: a graphics card where there is one."""
    device = default_device()
    names = ("X", "y", "X_val", "y_val", "X_test", "y_test")
    return replace(split, **{name: getattr(split, name).to(device) for name in names})


if __name__ == "__main__":
    sys.exit(main())
