"""Every public docstring is complete: what goes in, what comes out, what goes wrong, an example.

The form is numpydoc's, and its own validation does most of the looking. That the examples run is
tests/test_doctests.py's affair.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from functools import cached_property
from importlib import import_module
from typing import Any

import pytest
from numpydoc.docscrape import Parameter, get_doc_object
from numpydoc.validate import Validator, validate

from replearn_book.library import Public, all_public

#: Modules that hold no method of the literature, and what they hold instead.
OWN = {
    "replearn.autoencoders.saving": "a file format",
    "replearn.comparison.measuring": "the book's own table",
    "replearn.comparison.tables": "the book's own table",
    "replearn.conclusions": "a comparison of numbers",
    "replearn.data.covariance": "linear algebra, stated and tested",
    "replearn.data.dataset": "a container",
    "replearn.data.errors": "exceptions",
    "replearn.data.manifolds": "curves and surfaces given by their formulas",
    "replearn.device": "a choice of device",
    "replearn.folders": "a folder's name",
    "replearn.plotting.charts": "pictures",
    "replearn.plotting.diagrams": "boxes and arrows",
    "replearn.plotting.maps": "pictures",
    "replearn.plotting.svg": "pictures",
    "replearn.training.callbacks": "a record",
    "replearn.training.history": "a record",
    "replearn.training.loop": "the loop of every tutorial",
}
#: numpydoc's checks that hold for all; the others ask for another style than this library's.
CHECKS = {
    *("GL01", "GL03", "GL06", "GL07", "GL08", "GL10"),
    *("SS01", "SS03", "SS04", "SS06"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR07", "PR09", "PR10"),
    *("RT01", "YD01"),
}
_WITH_SHAPE = re.compile(r"\([^()]*\)|scalar|of any shape|0-dimensional")


@dataclasses.dataclass(frozen=True)
class Documented:
    """A function, class, method or property of the library."""

    public: Public
    member: str = ""

    def __str__(self) -> str:
        return self.public.path + (f".{self.member}" if self.member else "")

    @property
    def value(self) -> Any:
        if not self.member:
            return self.public.value
        return inspect.getattr_static(self.public.value, self.member)

    @property
    def function(self) -> Any:
        """What is called, without its decorators; None for a class or a property."""
        value = self.value
        value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        return inspect.unwrap(value) if inspect.isfunction(value) else None

    @cached_property
    def sections(self) -> Any:
        """The docstring, section by section."""
        return get_doc_object(Validator._load_obj(self.long_name))

    @property
    def long_name(self) -> str:
        """The name by which numpydoc finds it: that of the module it is written in."""
        written = f"{self.public.home}.{self.public.name}"
        return written + (f".{self.member}" if self.member else "")


def members(value: type) -> list[str]:
    """A class's own public methods and properties, and how it is called."""
    kinds = (property, classmethod, staticmethod)
    return [
        name
        for name, member in vars(value).items()
        if (name[0] != "_" or name == "__call__")
        and (inspect.isfunction(member) or isinstance(member, kinds))
        and not (dataclasses.is_dataclass(value) and name == "__init__")
    ]


def everything() -> list[Documented]:
    found = []
    for public in all_public():
        if public.kind == "data":
            continue
        found.append(Documented(public))
        if public.kind == "class":
            found += [Documented(public, name) for name in members(public.value)]
    return found


EVERYTHING = everything()


def complaints(item: Documented) -> list[str]:
    """What is missing in a docstring."""
    if isinstance(item.value, property):
        return _of_text(item)
    found = _of_numpydoc(item)
    sections = item.sections
    entries = [*sections["Parameters"], *sections["Attributes"], *sections["Returns"]]
    entries += sections["Yields"]
    found += [problem for entry in entries for problem in _of_entry(entry)]
    if dataclasses.is_dataclass(item.value) and not item.member:
        found += _of_fields(item)
    if (function := item.function) is not None:
        found += _of_raises(item, function)
        if _returns(item) not in NOTHING and not (sections["Returns"] or sections["Yields"]):
            found.append("no Returns")
    if not item.member and item.public.kind in ("function", "class"):
        if ">>> " not in "\n".join(sections["Examples"]):
            found.append("no example")
        found += _of_source(item)
    return found


#: What a function that returns nothing is annotated with.
NOTHING = (inspect.Signature.empty, None, "None", "Iterator[None]")


def _returns(item: Documented) -> Any:
    function = item.function
    return None if function is None else inspect.signature(function).return_annotation


def _of_text(item: Documented) -> list[str]:
    text = inspect.getdoc(item.value) or ""
    shaped = _WITH_SHAPE.search(text) or "Tensor" not in str(
        getattr(item.value.fget, "__annotations__", {}).get("return", "")
    )
    return [] if text and shaped else ["a property without a text, or a tensor without its shape"]


def _of_numpydoc(item: Documented) -> list[str]:
    found = validate(item.long_name)["errors"]
    is_record = dataclasses.is_dataclass(item.value) and not item.member
    return [
        f"{code}: {message}"
        for code, message in found
        if code in CHECKS
        and not (is_record and code in ("PR01", "PR02", "PR03"))
        and not (code == "YD01" and _returns(item) in NOTHING)  # a block that is given nothing
    ]


def _of_entry(entry: Parameter) -> list[str]:
    """One name, a type, and with tensors their shape."""
    found = []
    if "," in entry.name:
        found.append(f"two parameters in one entry: {entry.name}")
    kind = entry.type or entry.name
    if "Tensor" in kind and not _WITH_SHAPE.search(kind):
        text = " ".join(entry.desc)
        if not _WITH_SHAPE.search(text):
            found.append(f"{entry.name}: a tensor without its shape")
    return found


def _of_fields(item: Documented) -> list[str]:
    """A record says its fields, as attributes or, where it is called with them, as parameters."""
    sections = item.sections
    said = [entry.name for entry in [*sections["Parameters"], *sections["Attributes"]]]
    fields = [field.name for field in dataclasses.fields(item.value) if field.name[0] != "_"]
    return [] if sorted(said) == sorted(fields) else [f"fields {fields}, said {said}"]


#: Methods of estimators that check what they are given, or that something was fitted.
CHECKERS = {"_new_data", "_codes", "_training_data", "_kept", "_encode", "score_samples"}


def _of_raises(item: Documented, function: Any) -> list[str]:
    """A function that raises, or has its arguments checked, says what."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            call = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            raised.add(call.id if isinstance(call, ast.Name) else "")
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.lstrip("_").startswith("check_") or name in CHECKERS:
                raised.add("ValueError")
    said = {entry.type or entry.name for entry in item.sections["Raises"]}
    missing = {name for name in raised if name[:1].isupper()} - said
    return [f"raises {', '.join(sorted(missing))} and does not say so"] if missing else []


def _of_source(item: Documented) -> list[str]:
    if item.public.home in OWN:
        return []
    module = inspect.getdoc(import_module(item.public.home)) or ""
    texts = (module, inspect.getdoc(item.value) or "")
    if any(re.search(r"^(Sources?:|References?$|Colours: )", text, re.MULTILINE) for text in texts):
        return []
    return ["no source, in the docstring or the module's"]


@pytest.mark.parametrize("item", EVERYTHING, ids=str)
def test_a_docstring_is_complete(item: Documented) -> None:
    found = complaints(item)
    assert found == [], f"{item}: {'; '.join(found)}"


def test_the_modules_without_literature_are_the_library_s() -> None:
    assert {item.public.home for item in EVERYTHING} >= set(OWN)
