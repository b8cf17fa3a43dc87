"""Sends SIGKILL, SIGTERM and SIGSTOP to all processes it may, then answers if it is still there."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import os, signal

mine = {os.getpid(), 0}
for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
    for pid in (-1, os.getppid(), *range(2, 400)):
        if pid not in mine:
            try:
                os.kill(pid, number)
            except OSError:
                pass
{{RIGHT}}
"""
}
