"""Whether a function left what it was given as it was: the judge looks, no question has to.

While work is graded, the student's side says after each call which arguments are no longer what
they were (:mod:`gradekit.protocol.worker`), and the call fails in the test
(:mod:`gradekit.protocol.client`). In a notebook, :func:`compare_arguments` has test cells do the
same. A question that asks for a change in place names its functions (``in_place`` in
assignment.toml).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from gradekit.protocol.codec import CodecError, Reference, encode

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_HELPER = "_gradekit_compared"  # what a transformed test cell calls
_CALLER = "finite_difference_gradient"  # calls what it is given
_NEVER_CHANGED = (bool, int, float, str, type(None))


class ArgumentChanged(AssertionError):
    """A function changed one of its arguments, which no test allows unless its question asks.

    Parameters
    ----------
    function : its name.
    place : of the argument, from 0, or its name.
    gradient : whether it is a gradient that the function left on it, and its values are the same.
    raised : name of the exception that the function then raised, if it did.
    """

    def __init__(
        self, function: str, place: int | str, *, gradient: bool = False, raised: str = ""
    ) -> None:
        if isinstance(place, str):
            which = f"its argument {place}"
        elif place < len(_ORDINALS):
            which = f"its {_ORDINALS[place]} argument"
        else:
            which = f"its argument {place + 1}"
        also = f" (and then raised {raised})" if raised else ""
        if gradient:
            super().__init__(
                f"{function} left a gradient on {which}: differentiate at a copy{also}"
            )
            return
        super().__init__(
            f"{function} changed {which} in place: what it is given must stay as it was, so "
            f"compute new values, or work on a copy{also}"
        )


class Watched:
    """A function whose arguments are compared before and after a call, also one that raises.

    Parameters
    ----------
    function : what is called.

    Attributes
    ----------
    changed : of the last call, arguments that are not what they were, by their places; those that
        were passed by name come after the others.
    gradients : places of those whose values are the same, and on which a gradient was left.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.changed: dict[int, Any] = {}
        self.gradients: set[int] = set()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        everything = [*args, *kwargs.values()]
        before = [snapshot(value) for value in everything]
        try:
            return self.function(*args, **kwargs)
        finally:
            pairs = list(enumerate(zip(everything, before, strict=True)))
            self.changed = {place: value for place, (value, old) in pairs if differs(value, old)}
            self.gradients = {
                place
                for place, (value, old) in pairs
                if place in self.changed and not values_differ(value, old)
            }


def snapshot(value: Any) -> Any:
    """What shows later whether an argument was changed in place; None: it can't be.

    Compared are numbers, texts, arrays and tensors, alone or in lists, tuples and dictionaries,
    whose other objects have only to stay there, and gradients that have been left on tensors.
    """
    if type(value) in _NEVER_CHANGED:
        return None
    gradients = [tensor.grad for tensor in _leaves(value)]
    kept = [None if gradient is None else gradient.detach().clone() for gradient in gradients]
    return _Before(_copied(value), tuple(kept))


def differs(value: Any, before: Any) -> bool:
    """Whether an argument is no longer what its snapshot holds; NaN equals NaN here."""
    return before is not None and (
        values_differ(value, before) or _gradient_left(value, before.gradients)
    )


@dataclass(frozen=True)
class _Before:
    """An argument as it was: its values, if they can be compared, and its leaves' gradients."""

    values: Any
    gradients: tuple[Any, ...]


def _copied(value: Any) -> Any:
    if _is_tensor(value):
        return value.detach().clone() if _comparable(value) else None
    if type(value) is np.ndarray:
        return None if value.dtype.hasobject else value.copy()
    return _code(value)


def values_differ(value: Any, before: Any) -> bool:
    """Whether the values of an argument are others than its snapshot's, gradients aside."""
    old = None if before is None else before.values
    if old is None:
        return False
    if _is_tensor(old):
        return not _is_tensor(value) or not _comparable(value) or not _same_values(value, old)
    if type(old) is np.ndarray:
        if type(value) is not np.ndarray or value.shape != old.shape or value.dtype != old.dtype:
            return True
        return not bool(((value == old) | ((value != value) & (old != old))).all())
    return bool(_code(value) != old)


def _same_values(value: Any, before: Any) -> bool:
    """Whether two tensors hold the same, NaN where NaN was."""
    if value.shape != before.shape or value.dtype != before.dtype:
        return False
    now, then = value.detach(), before.detach()
    same = now == then  # no function of torch's: a student's cell may have put another in its place
    if bool(same.all()):
        return True
    return bool((same | ((now != now) & (then != then))).all())


def _gradient_left(value: Any, before: tuple[Any, ...]) -> bool:
    """Whether a tensor of the argument has another gradient than before."""
    leaves = _leaves(value)
    if len(leaves) != len(before):
        return False  # then the values differ
    return any(
        leaf.grad is not None and (old is None or not _same_values(leaf.grad, old))
        for leaf, old in zip(leaves, before, strict=True)
    )


def _leaves(value: Any) -> list[Any]:
    """The tensors of an argument on which a gradient may be left, in their order."""
    found, seen, waiting = [], set(), [value]
    while waiting:
        part = waiting.pop()
        if _is_tensor(part):
            if _comparable(part) and part.is_leaf:
                found.append(part)
        elif type(part) in (list, tuple, dict) and id(part) not in seen:
            seen.add(id(part))
            waiting += reversed(part.values() if type(part) is dict else part)
    return found


def compare_arguments(*, in_place: Collection[str] = ()) -> None:
    """In a notebook: have every test cell compare what it passes before and after each call.

    A test cell is one that calls ``checks.check_...``; compared are calls of functions, methods and
    classes that the notebook defines below the cell that calls this. Elsewhere, as while work is
    graded, it does nothing: the judge compares there. Called again, it starts anew.

    Parameters
    ----------
    in_place : functions that are asked to change what they are given, as they are called; a class
        stands for its methods.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return
    assert shell is not None
    names = {name for name, value in shell.user_ns.items() if callable(value)}
    kind = _TestCells.__name__
    for earlier in [one for one in shell.ast_transformers if type(one).__name__ == kind]:
        # The cell is run again, and by now there are answers: what was given then is given now.
        names &= earlier.given
        shell.ast_transformers.remove(earlier)
    given = {id(shell.user_ns[name]) for name in names}
    kept = frozenset(in_place)

    def compared(name: str, function: Any) -> Any:
        """The function as a test cell calls it."""
        code = getattr(function, "__code__", None)
        if (
            not callable(function)
            or getattr(function, "__module__", None) != "__main__"
            or id(function) in given
            or id(type(function)) in given
            or (code is not None and code.co_filename == sys._getframe(1).f_code.co_filename)
        ):
            return function
        owner = getattr(function, "__self__", None)
        kind = type(owner).__name__ if isinstance(function, MethodType) else ""
        if id(type(owner)) in given or kept.intersection((name, kind, type(function).__name__)):
            return function
        return unchanging(function, f"{kind}.{name}" if kind else name)

    shell.user_ns[_HELPER] = compared
    shell.user_ns_hidden[_HELPER] = compared
    shell.ast_transformers.append(_TestCells(names))


def unchanging(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function, that raises when it changed an argument.

    Parameters
    ----------
    function : what is called.
    name : what it is called in the message.

    Raises
    ------
    ArgumentChanged : by the function returned.
    """

    def called(*args: Any, **kwargs: Any) -> Any:
        watched = Watched(function)
        try:
            result = watched(*args, **kwargs)
        except Exception as error:
            raise_if_changed(watched, name, len(args), kwargs, error)
            raise
        raise_if_changed(watched, name, len(args), kwargs)
        return result

    return called


def raise_if_changed(
    watched: Watched,
    name: str,
    count: int,
    named: Mapping[str, object],
    error: Exception | None = None,
) -> None:
    """ArgumentChanged at the first argument that the last call changed.

    Parameters
    ----------
    watched : what was called.
    name : what it is called in the message.
    count : how many arguments were passed by place.
    named : those passed by name.
    error : what the call raised.
    """
    for index in watched.changed:
        place = list(named)[index - count] if index >= count else index
        raised = "" if error is None else type(error).__name__
        gradient = index in watched.gradients
        raise ArgumentChanged(name, place, gradient=gradient, raised=raised) from error


class _TestCells(ast.NodeTransformer):
    """In cells that call checks.check_..., what is called is looked at.

    Parameters
    ----------
    given : names of what the notebook had before the students' answers.
    """

    def __init__(self, given: set[str]) -> None:
        self.given = given

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, ast.Module):
            return super().visit(node)
        if not any(map(_is_check, ast.walk(node))):
            return node
        return ast.fix_missing_locations(self.generic_visit(node))

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        calls = isinstance(node.func, ast.Attribute) and node.func.attr == _CALLER
        if calls and node.args and isinstance(node.args[0], ast.Name):
            node.args[0] = _looked_at(node.args[0], node.args[0].id)
        elif isinstance(node.func, ast.Name):
            node.func = _looked_at(node.func, node.func.id)
        elif isinstance(node.func, ast.Attribute):
            node.func = _looked_at(node.func, node.func.attr)
        return node


def _looked_at(function: ast.expr, name: str) -> ast.Call:
    helper = ast.Name(_HELPER, ast.Load())
    return ast.copy_location(ast.Call(helper, [ast.Constant(name), function], []), function)


def _is_check(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr.startswith("check_")
        and isinstance(node.value, ast.Name)
        and node.value.id == "checks"
    )


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return bool(torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter))


def _comparable(tensor: Any) -> bool:
    """Whether a tensor has numbers that can be compared one by one."""
    torch: Any = sys.modules["torch"]
    return (
        tensor.layout is torch.strided
        and not (tensor.is_meta or tensor.is_quantized or tensor.is_nested)
        # Inside vmap or grad it stands for many, or for none yet.
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    )


def _code(value: object) -> bytes | None:
    try:
        return encode(value, opaque=_nothing)
    except CodecError:
        return None


def _nothing(value: object) -> Reference:
    return Reference("object", 0, "object", False)
