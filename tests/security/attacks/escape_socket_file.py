"""Hands in a unix socket in place of a notebook, and a folder named like one beside it."""

import os
import socket

EXPECT = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), 0)
STATUS = "unreadable"


def hand_in(folder, notebook):
    before = os.getcwd()
    os.chdir(folder)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("ps0_security.ipynb")
    finally:
        os.chdir(before)
    (folder / "other.ipynb").mkdir()
