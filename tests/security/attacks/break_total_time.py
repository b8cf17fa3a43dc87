"""Sleeps almost as long as a cell may, in four cells: no cell takes too long, but all together do."""

SLEEPS = "import time\ntime.sleep(3.5)\n{{RIGHT}}"

# Pass 1 takes 14 of 24 seconds; in pass 2 two questions are judged before the time is over.
EXPECT = {"q3": 1, "q4": 1, "q5": 1, "q6": 1}
STATUS = "timed out"
ANSWERS = dict.fromkeys(("q1_centre", "q2_moments", "q3_rows", "q4_total"), SLEEPS)
