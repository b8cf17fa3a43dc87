"""Returns zero-size, object, structured, sparse, meta, quantised and complex arrays."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
ANSWERS = {
    "q1_centre": """
import numpy as np

def centre(X):
    return np.array([[object(), None], [lambda: 1, X]], dtype=object)
""",
    "q2_moments": """
def moments(X):
    structured = np.zeros(2, dtype=[("a", "f8"), ("b", "O")])
    return torch.zeros(0, 5, 2**20), structured
""",
    "q4_total": """
turn = iter(range(100))

def total_variance(X):
    strange = [
        lambda: torch.zeros(1, device="meta"),
        lambda: torch.quantize_per_tensor(torch.ones(1), 0.1, 0, torch.quint8),
        lambda: np.ma.masked,
        lambda: np.array("2020-01-01", dtype="datetime64[D]"),
    ]
    return strange[next(turn) % 4]()
""",
    "q6_gradient": """
def error_gradient(X, y, w):
    return torch.ones(len(w)).to_sparse() if len(X) > 2 else torch.nested.nested_tensor([w, w])
""",
}
