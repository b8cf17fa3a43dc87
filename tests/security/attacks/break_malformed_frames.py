"""Sends frames that are empty, random, cut short, or the code of something else."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
STATUS = "in q1_small_visible"
PREPARE = """
{{SCAN}}
def frame(data):
    os.write(sockets()[0], len(data).to_bytes(8, "big") + data)
"""
ANSWERS = {
    "q1_centre": PREPARE + "def centre(X):\n    frame(b'')\n    return X - X.mean(dim=0)",
    "q2_moments": PREPARE + "def moments(X):\n    frame(os.urandom(3000))\n    return X, X",
    "q4_total": PREPARE + "def total_variance(X):\n    frame(b'l' * 40)\n    return 5.0",
    "q6_gradient": PREPARE
    + """
from gradekit.protocol.codec import encode

def error_gradient(X, y, w):
    frame(encode([[[1]], "value", w, {}])[:-3])
    return w
""",
}
