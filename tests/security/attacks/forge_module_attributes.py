"""Answers every attribute a test reads of its module, and each time with something else."""

EXPECT = {"q5": 0}
ANSWERS = {
    "q5_encoder": """
class Anything:
    def __getattr__(self, name):
        return Anything()
    def __call__(self, *args, **kwargs):
        return Anything()
    def __iter__(self):
        return iter([Anything(), Anything()])

def Encoder(d, m):
    return Anything()
"""
}
