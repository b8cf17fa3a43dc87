"""Whether a function left what it was given as it was: the judge looks, no question has to.

While work is graded, the student's side says after each call which arguments are no longer what
they were (:mod:`gradekit.protocol.worker`), and the call fails in the test
(:mod:`gradekit.protocol.client`). In a notebook, :func:`compare_arguments` has test cells do the
same. A question that asks for a change in place names its functions (``in_place`` in
assignment.toml).
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from gradekit.protocol.codec import CodecError, Reference, encode

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_HELPER = "_gradekit_compared"  # what a transformed test cell calls


class ArgumentChanged(AssertionError):
    """A function changed one of its arguments, which no test allows unless its question asks.

    Parameters
    ----------
    function : its name.
    place : of the argument, from 0, or its name.
    gradient : whether it is a gradient that the function left on it, and its values are the same.
    """

    def __init__(self, function: str, place: int | str, *, gradient: bool = False) -> None:
        if isinstance(place, str):
            which = f"its argument {place}"
        elif place < len(_ORDINALS):
            which = f"its {_ORDINALS[place]} argument"
        else:
            which = f"its argument {place + 1}"
        if gradient:
            super().__init__(
                f"{function} left a gradient on {which}, where the next call would add to it: "
                "differentiate at a copy"
            )
            return
        super().__init__(
            f"{function} changed {which} in place: what it is given must stay as it was, so "
            "compute new values, or work on a copy"
        )


def snapshot(value: Any) -> Any:
    """What shows later whether an argument was changed in place; None: it can't be."""
    if type(value) in (bool, int, float, str, type(None)):
        return None
    if _is_tensor(value):
        return _Before(value.detach().clone(), left_gradient(value))
    if type(value) is np.ndarray:
        return value.copy()
    return _code(value)


def differs(value: Any, before: Any) -> bool:
    """Whether an argument is no longer what its snapshot holds; NaN equals NaN here."""
    if before is None:
        return False
    if isinstance(before, _Before):
        return not _is_tensor(value) or (
            not same_values(value, before.values) or (left_gradient(value) and not before.gradient)
        )
    if type(before) is np.ndarray:
        if type(value) is not np.ndarray or value.shape != before.shape:
            return True
        return not bool(((value == before) | ((value != value) & (before != before))).all())
    return bool(_code(value) != before)


@dataclass(frozen=True)
class _Before:
    """A tensor as it was."""

    values: Any
    gradient: bool


def left_gradient(value: Any) -> bool:
    """Whether a gradient has been accumulated in a tensor."""
    return bool(_is_tensor(value) and value.is_leaf and value.grad is not None)


def same_values(value: Any, before: Any) -> bool:
    """Whether two tensors hold the same, NaN where NaN was."""
    if value.shape != before.shape or value.dtype != before.dtype:
        return False
    now, then = value.detach(), before.detach()
    same = now == then  # no function of torch's: a student's cell may have put another in its place
    if bool(same.all()):
        return True
    return bool((same | ((now != now) & (then != then))).all())


def compare_arguments(*, in_place: Collection[str] = ()) -> None:
    """In a notebook: have every test cell compare what it passes before and after each call.

    A test cell is one that calls ``checks.check_...``; compared are the functions that the notebook
    defines below the cell that calls this. Elsewhere, as while work is graded, it does nothing: the
    judge compares there. Called again, it starts anew.

    Parameters
    ----------
    in_place : functions that are asked to change what they are given.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return
    assert shell is not None
    given = {id(value) for value in shell.user_ns.values() if isinstance(value, FunctionType)}
    kept = frozenset(in_place)

    def compared(function: Any) -> Any:
        """The function as a test cell calls it."""
        if (
            not isinstance(function, FunctionType)
            or function.__module__ != "__main__"
            or function.__name__ in kept
            or id(function) in given
            or function.__code__.co_filename == sys._getframe(1).f_code.co_filename
        ):
            return function
        return unchanging(function)

    shell.user_ns[_HELPER] = compared
    shell.user_ns_hidden[_HELPER] = compared
    shell.ast_transformers[:] = [
        one for one in shell.ast_transformers if type(one).__name__ != _TestCells.__name__
    ]
    shell.ast_transformers.append(_TestCells())


def unchanging(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, that raises when it changed an argument.

    Raises
    ------
    ArgumentChanged : by the function returned.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        before = [snapshot(value) for value in args]
        named = {name: snapshot(value) for name, value in kwargs.items()}
        result = function(*args, **kwargs)
        for place, value in enumerate(args):
            _compare(function.__name__, place, value, before[place])
        for name, value in kwargs.items():
            _compare(function.__name__, name, value, named[name])
        return result

    return called


def _compare(function: str, place: int | str, value: Any, before: Any) -> None:
    if differs(value, before):
        gradient = isinstance(before, _Before) and same_values(value, before.values)
        raise ArgumentChanged(function, place, gradient=gradient)


class _TestCells(ast.NodeTransformer):
    """In cells that call checks.check_..., what is called by a name is looked at."""

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, ast.Module):
            return super().visit(node)
        if not any(map(_is_check, ast.walk(node))):
            return node
        return ast.fix_missing_locations(self.generic_visit(node))

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name):
            helper = ast.copy_location(ast.Name(_HELPER, ast.Load()), node.func)
            node.func = ast.copy_location(ast.Call(helper, [node.func], []), node.func)
        return node


def _is_check(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr.startswith("check_")
        and isinstance(node.value, ast.Name)
        and node.value.id == "checks"
    )


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return bool(torch is not None and type(value) is torch.Tensor)


def _code(value: object) -> bytes | None:
    try:
        return encode(value, opaque=_nothing)
    except CodecError:
        return None


def _nothing(value: object) -> Reference:
    return Reference("object", 0, "object", False)
