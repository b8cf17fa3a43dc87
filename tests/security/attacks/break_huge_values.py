"""Returns values too large to send: arrays, numbers, texts, lists, expanded tensors."""

EXPECT = {"q1": 0, "q2": 0, "q4": 0, "q6": 0}
ANSWERS = {
    "q1_centre": "def centre(X):\n    return torch.zeros(1).expand(10**6, 10**6)",
    "q2_moments": "def moments(X):\n    return 'x' * 10**8, [0] * 10**7",
    "q4_total": "def total_variance(X):\n    return 1 << 10**7",
    "q6_gradient": """
def error_gradient(X, y, w):
    return [torch.zeros(0, 2**40)] * 10**5 + [torch.zeros(2**24)]
""",
}
