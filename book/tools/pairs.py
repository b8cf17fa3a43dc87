"""Keep each lectures/NN.md and its notebook in step.

    python book/tools/pairs.py --check   exit 1 and name what differs
    python book/tools/pairs.py --sync    make the notebooks from the sources, with text outputs
    python book/tools/pairs.py --sync 08_contractive    one of them
    python book/tools/pairs.py --text    take over text alone, where no cell of code has changed

The source is the .md. Its notebook holds the same cells and the text that they print on the bundled
digits; pictures are left out, so that the file stays small and a comparison means something. Making
it twice gives the same bytes.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from replearn_book.takealong.assemble import stable_ids  # noqa: E402

FORMAT = "md:myst"
KEPT_KINDS = ("text/plain",)
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def keep_text(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell that are text and the same at each run."""
    if "nbval-ignore-output" in cell.metadata.get("tags", []):
        return []
    kept: list[NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            if output.name != "stdout":
                continue  # progress bars and warnings
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
            else:
                kept.append(output)
        elif output.output_type in ("display_data", "execute_result"):
            data = {kind: text for kind, text in output.data.items() if kind in KEPT_KINDS}
            if not data or any(ADDRESS.search(text) for text in data.values()):
                continue
            output.data, output.metadata = NotebookNode(data), NotebookNode()
            kept.append(output)
    return kept


def as_text(notebook: NotebookNode) -> str:
    """The notebook file's text."""
    return f"{nbformat.writes(notebook, version=4)}\n"


def make_notebook(source: Path) -> str:
    """Run a chapter on the bundled digits; the text of its notebook file."""
    notebook = jupytext.read(source, fmt=FORMAT)
    stable_ids(notebook)
    with tempfile.TemporaryDirectory() as empty:
        # os.environ is what the kernel inherits; put back so that nothing else notices.
        before = dict(os.environ)
        os.environ.update(REPLEARN_OFFLINE="1", REPLEARN_DATA=empty, JUPYTER_PREFER_ENV_PATH="1")
        try:
            NotebookClient(
                notebook, timeout=300, resources={"metadata": {"path": str(source.parent)}}
            ).execute()
        finally:
            os.environ.clear()
            os.environ.update(before)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of the run
        if cell.cell_type == "code":
            cell.outputs = keep_text(cell)
    notebook.metadata.pop("language_info", None)
    return as_text(notebook)


def with_new_text(source: Path) -> str:
    """The text of a chapter's notebook file with the outputs that it has, and the source's text.

    Raises
    ------
    ValueError
        There is no notebook, or its code is not the source's.
    """
    pair = source.with_suffix(".ipynb")
    if not pair.is_file():
        raise ValueError(f"{source.name} has no notebook yet; run it with --sync")
    notebook = jupytext.read(source, fmt=FORMAT)
    stable_ids(notebook)
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    old = [c for c in nbformat.read(pair, as_version=4).cells if c.cell_type == "code"]
    if [cell.source for cell in new] != [cell.source for cell in old]:
        raise ValueError(f"the code of {source.name} has changed; run it with --sync")
    for cell, before in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return as_text(notebook)


def problem_of(source: Path) -> str | None:
    """What is wrong with the pair of `source`, or None."""
    pair = source.with_suffix(".ipynb")
    if not pair.is_file():
        return f"{source.name} has no notebook {pair.name}"
    notebook = nbformat.read(pair, as_version=4)
    # jupytext adds its version to the header, which the sources leave out: it would only age.
    text = re.sub(r"\n +jupytext_version: .*", "", jupytext.writes(notebook, fmt=FORMAT), count=1)
    if text != source.read_text(encoding="utf-8"):
        return f"{pair.name} does not give back {source.name}"
    for number, cell in enumerate(notebook.cells, 1):
        # nbval compares no output with one whose cell says that it was not run.
        if cell.get("outputs") and cell.execution_count is None:
            return f"cell {number} of {pair.name} has outputs and was never run"
    return None


def check(folder: Path) -> list[str]:
    """Problems of all pairs in a folder, one sentence each."""
    problems = [found for path in sorted(folder.glob("*.md")) if (found := problem_of(path))]
    problems += [
        f"{path.name} has no source {path.stem}.md"
        for path in sorted(folder.glob("*.ipynb"))
        if not path.with_suffix(".md").is_file()
    ]
    return problems


def sync(folder: Path, names: Sequence[str] = ()) -> None:
    """Make the notebook of each source (or the named ones) anew; write those that changed."""
    for source in sorted(folder.glob("*.md")):
        if names and source.stem not in names:
            continue
        start = time.monotonic()
        print(f"pairs: running {source.name}", end=" ", flush=True)
        text = make_notebook(source)
        pair = source.with_suffix(".ipynb")
        changed = not pair.is_file() or pair.read_text(encoding="utf-8") != text
        if changed:
            pair.write_text(text, encoding="utf-8")
        print(f"{'written' if changed else 'unchanged'}, {time.monotonic() - start:.0f} s")


def take_over_text(folder: Path, names: Sequence[str] = ()) -> list[str]:
    """Write the notebooks whose text alone has changed; a sentence for each of the others."""
    problems = []
    for source in sorted(folder.glob("*.md")):
        if (names and source.stem not in names) or problem_of(source) is None:
            continue
        try:
            source.with_suffix(".ipynb").write_text(with_new_text(source), encoding="utf-8")
        except ValueError as error:
            problems.append(str(error))
    return problems


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--check", action="store_true", help="exit 1 if a pair is out of step")
    group.add_argument("--sync", action="store_true", help="make the notebooks from the sources")
    group.add_argument("--text", action="store_true", help="take over text, keep the outputs")
    parser.add_argument("names", nargs="*", metavar="NAME", help="chapters to sync; default: all")
    parser.add_argument("--folder", type=Path, default=ROOT / "lectures")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if not (arguments.folder / f"{name}.md").is_file()]
    if unknown:
        print(f"error: no chapter {unknown[0]!r} in {arguments.folder}", file=sys.stderr)
        return 2
    if arguments.sync:
        sync(arguments.folder, arguments.names)
    if arguments.text:
        for refused in take_over_text(arguments.folder, arguments.names):
            print(f"error: {refused}", file=sys.stderr)
    problems = check(arguments.folder)
    for problem in problems:
        print(f"error: {problem}; run `make pairs`", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
