"""Build the book into _build/html: every warning is an error, and nothing old is left over.

Run as `python book/tools/build.py` from anywhere; `--force` builds even when nothing changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "book" / "_ext")]

from autograder.lock import exclusive  # noqa: E402
from replearn_book.cache import (  # noqa: E402
    READER,
    PageCaches,
    data_key,
    hash_files,
    use,
    with_present_data,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AT_ONCE = 2  # chapters that run at the same time
LIBRARY = ("replearn", "gradekit")  # what chapters import


def input_files(root: Path) -> Iterator[Path]:
    """Every file that the pages are made from."""
    for name in ("_config.yml", "_toc.yml", "requirements.txt"):
        yield root / name
    yield from (root / "lectures").glob("*.md")
    yield from (root / "tests" / "claims").glob("*.py")
    yield from (root / "solutions").glob("*/*.md")
    yield from (root / "solutions").glob("*/*.toml")
    yield from (root / "_build" / "course" / "release").glob("*/*.ipynb")
    for package in LIBRARY:
        if (spec := find_spec(package)) and spec.origin:
            yield from Path(spec.origin).parent.rglob("*.py")
    for path in (root / "book").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def inputs_key(root: Path) -> str:
    """Hash of every file that a build depends on."""
    return hash_files(filter(Path.is_file, input_files(root)), root)


def base_key(root: Path) -> str:
    """The same without the texts of pages, which Sphinx reads again when they change."""
    folders = (root / "lectures", root / "book")
    files = {path for path in input_files(root) if path.is_file()}
    texts = {p for p in files if p.suffix == ".md" and any(p.is_relative_to(f) for f in folders)}
    return hash_files(files - texts, root)


def data_hash() -> str:
    """The data of this machine, which a build may have downloaded."""
    return hashlib.sha256(data_key().encode()).hexdigest()


def chapter_caches(root: Path, output: Path) -> dict[Path, Path]:
    """The chapters of the table of contents, each with the folder its outputs are cached in."""
    from sphinx_external_toc.parsing import parse_toc_yaml

    caches = PageCaches(root, output)
    documents = map(str, parse_toc_yaml(root / "_toc.yml"))
    paths = [root / f"{name}.md" for name in documents if name.startswith("lectures/")]
    folders = {path: caches.folder(path) for path in paths if path.is_file()}
    return {path: folder for path, folder in folders.items() if folder is not None}


def follow_data(caches: Mapping[Path, Path]) -> dict[Path, Path]:
    """Rename the caches after a download: what is downloaded is what the chapters used."""
    moved = {path: with_present_data(folder) for path, folder in caches.items()}
    for path, folder in caches.items():
        if folder.is_dir() and not moved[path].exists():
            folder.rename(moved[path])
    return moved


def is_cached(path: Path, cache_path: Path) -> bool:
    """Whether the outputs of a chapter's present code are in its cache."""
    from jupyter_cache import get_cache

    cache = get_cache(cache_path)
    record = cache.add_nb_to_project(str(path), read_data=READER)
    try:
        cache.match_cache_notebook(cache.get_project_notebook(record.pk).nb)
    except KeyError:
        return False
    return True


@dataclass(frozen=True)
class Ran:
    """How running a chapter went."""

    name: str
    seconds: float
    good: bool
    failure: str = ""  # the cell's file and line with its error, as warnings of Sphinx begin


def failure_of(path: Path, root: Path, notebook: Any, error: Exception) -> str:
    """Where a chapter failed, and the error with its traceback."""
    lines = notebook.metadata.get("source_map", [])
    where = os.path.relpath(path, root)
    for cell, line in zip(notebook.cells, lines, strict=False):
        # A cell that took too long has no number and no error of its own.
        raised = any(output.output_type == "error" for output in cell.get("outputs", []))
        if cell.cell_type == "code" and (raised or cell.execution_count is None):
            where += f":{line}"
            break
    return f"{where}: ERROR: a cell failed\n{error}"


def run_chapter(path: Path, cache_path: Path, timeout: int, root: Path) -> Ran:
    """Run one chapter and cache its outputs."""
    from jupyter_cache import get_cache
    from jupyter_cache.executors.utils import create_cache_bundle, single_nb_execution

    cache = get_cache(cache_path)
    record = cache.add_nb_to_project(str(path), read_data=READER)
    project = cache.get_project_notebook(record.pk)
    try:
        result = single_nb_execution(
            project.nb, cwd=str(path.parent), timeout=timeout, allow_errors=False
        )
    except RuntimeError as error:
        # Two kernels that start together can pick the same port, and then one of them dies. The
        # build, which runs what is not in the cache, tries again alone.
        print(f"book: {path.name}: no kernel could be started ({error})", flush=True)
        return Ran(path.name, 0.0, False)
    if result.err is not None:
        failure = failure_of(path, root, project.nb, result.err)
        return Ran(path.name, result.time, False, failure)
    bundle = create_cache_bundle(project, None, None, result.time, None)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return Ran(path.name, result.time, True)


def run_chapters(root: Path, caches: Mapping[Path, Path]) -> list[str]:
    """Run the chapters that need it, two at a time; returns what failed, each said once."""
    pending = [path for path, cache_path in caches.items() if not is_cached(path, cache_path)]
    if not pending:
        return []
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    timeout = config["execute"]["timeout"]
    print(f"book: running {len(pending)} chapters, {AT_ONCE} at a time", flush=True)
    # Each has its share of the cores: with more threads than cores, chapters take ten times as
    # long. The variable is read when a kernel starts, so it is set here and not in the workers.
    together = min(AT_ONCE, len(pending))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // together)))
    failures = []
    with ProcessPoolExecutor(together) as pool:
        # The last chapters first: they train more than the first ones, and one that takes long
        # and starts last would leave a core without work.
        jobs = [
            pool.submit(run_chapter, path, caches[path], timeout, root) for path in pending[::-1]
        ]
        for number, job in enumerate(as_completed(jobs), 1):
            ran = job.result()
            state = "ran" if ran.good else "FAILED"
            print(
                f"book: [{number}/{len(jobs)}] {ran.name} {state} in {ran.seconds:.0f} s",
                flush=True,
            )
            if ran.failure:
                failures.append(ran.failure)
    return sorted(failures)


def build(root: Path, *, force: bool = False) -> int:
    """Build the book of `root`; returns the exit status."""
    output = root / "_build"
    index = output / "html" / "index.html"
    stamp = output / ".book-inputs"
    # Two builds never write the same folder.
    with exclusive(output / ".book-lock", wait="book: another build is running, waiting for it"):
        # What the last build was made from, if it succeeded: all files, those that are no texts of
        # pages, and the data. What is changed while a build runs is for the next one.
        last = stamp.read_text().splitlines() if stamp.is_file() and not force else []
        files, base = inputs_key(root), base_key(root)
        if index.is_file() and last == [files, base, data_hash()]:
            print("book: nothing changed since the last build")
            print(f"book: {index}")
            return 0
        start = time.monotonic()
        stamp.unlink(missing_ok=True)
        shutil.rmtree(output / "html", ignore_errors=True)
        # Pages whose texts are as they were need not be read again: the last build had no warning,
        # and all pages are written anew. After a failed one, whose warnings Sphinx would not
        # repeat, and after any other change, nothing is kept.
        if last[1:] != [base, data_hash()]:
            shutil.rmtree(output / ".doctrees", ignore_errors=True)
        # The kernel must be this environment's, whatever the user has installed elsewhere.
        os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
        caches = chapter_caches(root, output)
        for folder in caches.values():
            use(folder)
        failures = run_chapters(root, caches)
        if failures:
            print("\n\n".join(failures), file=sys.stderr)
            print("error: the book was not built; the cells above failed", file=sys.stderr)
            return 1
        caches = follow_data(caches)
        command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
        command += ["build", str(root), "-W", "-n", "--keep-going"]
        status = subprocess.run(command, cwd=root, check=False).returncode
        if status:
            print("error: the book did not build; the warnings above say why", file=sys.stderr)
            return 1
        follow_data(caches)
        stamp.write_text("\n".join([files, base, data_hash()]))
        print(f"book: built in {time.monotonic() - start:.0f} s")
        print(f"book: {index}")
        return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument("--root", type=Path, default=ROOT, help="the book's folder")
    arguments = parser.parse_args()
    return build(arguments.root.resolve(), force=arguments.force)


if __name__ == "__main__":
    raise SystemExit(main())
