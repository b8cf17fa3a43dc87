"""What runs inside bubblewrap: a warm process that is forked for every student's process.

It imports what the assignment's given cells import and nothing of the assignment's secrets: those
never come here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from gradekit.preload import preload, seed_random_state
from gradekit.protocol.import_blocker import ImportBlocker
from gradekit.protocol.worker import Shell, Worker, make_shell

from . import fork_server, inner_layer, large_pages


def prepare(sources: list[str], modules: list[str]) -> None:
    """Import what a submission needs, and leave no trace of having run its cells but modules.

    ``modules``: imported as well where torch is.
    """
    preload(sources)
    if "torch" in sys.modules:
        for name in modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        seed_random_state()
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page
    large_pages.gather()


def main(fd: int) -> None:
    """Take the orders, get ready, and fork until the grader hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader
    control = socket.socket(fileno=fd)
    orders = fork_server.receive(control)
    ImportBlocker(orders["hide"]).install()
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    prepare(orders["given"], orders["modules"])
    shell = make_shell()
    fork_server.send(control, {"ready": True, "threads": fork_server.threads()})
    limits = inner_layer.ResourceLimits(memory=orders["memory"], seconds=orders["seconds"])
    sandboxed = bool(orders["sandboxed"])

    def start(session: int, order: dict[str, Any], errors: int) -> NoReturn:
        if not sandboxed:
            inner_layer.die_with_parent()
            _work(shell, session)
        _supervise(shell, session, order, errors, limits, counted=orders["counted"])

    fork_server.ForkServer(control, start, groups=not sandboxed).serve()


def _supervise(
    shell: Shell,
    session: int,
    order: dict[str, Any],
    errors: int,
    limits: inner_layer.ResourceLimits,
    *,
    counted: bool,
) -> NoReturn:
    """Build the inner layer around a child, and stay outside of it to end it.

    Signals can't be refused by the one who stands outside, and a process of the student's sees
    neither this one nor the template.
    """
    started = [0]

    def end(*_: object) -> None:
        if started[0]:
            os.kill(started[0], signal.SIGKILL)
        else:
            os._exit(0)

    try:
        inner_layer.die_with_parent()
        signal.signal(signal.SIGTERM, end)
        for entrance in order["entrances"]:
            os.write(entrance, b"0")
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {order["core"]})
        inner_layer.enter_namespaces()
        started[0] = os.fork()
        if started[0] == 0:
            inner_layer.die_with_parent()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.setsid()
            inner_layer.isolate(limits, counted=counted)
            os.close(errors)
            _work(shell, session)
        os.close(errors)
        os.close(session)
        inner_layer.drop_capabilities()
        _, status = os.waitpid(started[0], 0)
        os._exit(abs(os.waitstatus_to_exitcode(status)) % 256)
    except BaseException as error:
        os.write(errors, f"{type(error).__name__}: {error}".encode())
        os._exit(fork_server.SETUP_FAILED)


def _work(shell: Shell, session: int) -> NoReturn:
    """Answer on the session's socket, with nothing else open, until it is closed."""
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    inner_layer.close_all_but({0, 1, 2, session})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with socket.socket(fileno=session) as sock:
        Worker(shell, sock).serve()
    os._exit(0)
