"""Warns, logs, prints and writes to standard error, with right answers."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
import logging, sys, warnings

logging.basicConfig(level=logging.DEBUG)

def centre(X):
    warnings.warn("look out")
    logging.error("on the log")
    print("on standard error", file=sys.stderr)
    print("printed " * 10**5)
    return X - X.mean(dim=0)
17
""",
    "q4_total": """
def total_variance(X):
    import numpy as np
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        np.float64(1.0) / np.float64(0.0), torch.tensor([1.0]).numpy(), 0 is 0
    return X.var(dim=0, correction=0).sum().item()
""",
}
