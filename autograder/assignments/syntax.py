"""Whether a text of the assignment's is Python that runs outside of IPython."""

from __future__ import annotations

import warnings

from autograder.errors import CourseError


def check_syntax(source: str, where: str) -> None:
    """CourseError where it is not; ``where`` begins the sentence.

    Compiled, not only parsed: a `break` outside a loop, or a `return` outside a function, is found
    later.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape may be a mutant's point
            compile(source, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        line = f" line {error.lineno}" if error.lineno else ""
        raise CourseError(f"{where}{line} is not Python: {error.msg}") from error
    except ValueError as error:  # a null byte
        raise CourseError(f"{where} is not Python: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise CourseError(f"{where} is nested too deep") from error
