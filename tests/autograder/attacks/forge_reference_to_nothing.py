"""Returns references to objects that do not exist, and to another name's object."""

EXPECT = {"q1": 0, "q5": 0}
ANSWERS = {
    "q1_centre": """
import itertools
import replearn.exam.pupil as pupil
from replearn.exam.codec import Reference

numbers = itertools.cycle([2**62, 0, 10**6])
pupil.Pupil._keep = lambda self, value: Reference("object", next(numbers), "Tensor", True)

def centre(X):
    return [object(), object()][0]
"""
}
