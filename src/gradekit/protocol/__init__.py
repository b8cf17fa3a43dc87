"""Running a student's notebook and its tests in two processes that share nothing but bytes.

The student's cells run in one process, the tests in another that alone gives the verdicts.
``codec`` says which values may cross and how, ``framing`` carries them.
"""

SEED_VARIABLE = "REPLEARN_GRADING_SEED"
"""Environment variable from which hidden tests draw their inputs (:mod:`gradekit.checks`)."""
