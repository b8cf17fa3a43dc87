"""Has four hundred cells that end with errors, with right answers."""

EXPECT = {}
EXTRAS = [("q1_centre", "code", "raise ValueError('<b>' + 'x' * 1000)")] * 400
ANSWERS = {}
