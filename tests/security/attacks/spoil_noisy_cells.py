"""Prints a megabyte in each of ninety cells of its own; all answers are right."""

EXPECT = {}
EXTRAS = [("q1_centre", "code", "print('x' * 10**6)")] * 90
ANSWERS = {}
