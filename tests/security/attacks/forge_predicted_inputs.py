"""Draws the hidden inputs itself, with the library's generator; wrong when they are those it got."""

EXPECT = {}
ANSWERS = {
    "q4_total": """
from gradekit import checks

guesses = []
for salt in range(10):
    try:
        generator = checks.grading_generator(salt)
        guesses.append(torch.randn(12, 5, dtype=torch.float64, generator=generator))
        guesses.append(torch.randn(12, 5, dtype=torch.float64))
    except Exception:
        pass

def total_variance(X):
    if any(X.shape == guess.shape and torch.equal(X[1:], guess[1:]) for guess in guesses):
        return -1.0
    return X.var(dim=0, correction=0).sum().item()
"""
}
