"""Claims to have changed arguments that it was not given, or into what the test wants to see."""

EXPECT = {"q1": 0, "q3": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
import gradekit.protocol.worker as worker

def claim(name, changed):
    honest = worker.Worker._do_call
    def forged(self, target, args, kwargs):
        reply = honest(self, target, args, kwargs)
        mine = getattr(target, "__name__", target) == name
        return [reply[0], reply[1], changed] if mine else reply
    worker.Worker._do_call = forged

{{RIGHT}}
claim("centre", {99: torch.zeros(2, 2), -1: 3, "X": None})
""",
    "q3_rows": """
def scale_rows(X, factors):
    factors.zero_()
    X.zero_()

def unit_rows(X):
    X.zero_()
    return X
""",
}
