"""Takes for ever to answer for an attribute, an iteration, and a name that a test looks up."""

EXPECT = {"q5": 0, "q2": 0}
STATUS = "timed out in q5_small_visible"
ANSWERS = {
    "q2_moments": """
class Slow:
    def __iter__(self):
        while True:
            yield self
    def __len__(self):
        while True:
            pass

def moments(X):
    return Slow()
""",
    "q5_encoder": """
class Encoder:
    def __init__(self, d, m):
        pass
    @property
    def weight(self):
        while True:
            pass
""",
}
