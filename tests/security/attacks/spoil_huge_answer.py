"""Hands in a right answer with eight hundred thousand characters of comments and a long literal."""

EXPECT = {}
ANSWERS = {"q1_centre": "# " + "x" * 800_000 + "\n{{RIGHT}}\nnumbers = [" + "1," * 50_000 + "]\n"}
