"""Announces a frame of 2^63 bytes, and in another call one a byte longer than allowed."""

EXPECT = {"q1": 0, "q2": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
def centre(X):
    os.write(sockets()[0], (2**63).to_bytes(8, "big") + bytes(1000))
    return X - X.mean(dim=0)
""",
    "q2_moments": """
{{SCAN}}
def moments(X):
    os.write(sockets()[0], (64 * 2**20 + 1).to_bytes(8, "big") + bytes(1000))
    return X.mean(dim=0), X.var(dim=0, correction=0)
""",
}
