"""Compares the random state that calls come with to what the hidden inputs would follow from."""

EXPECT = {}
ANSWERS = {
    "q1_centre": """
states = []

def centre(X):
    states.append(torch.get_rng_state().clone())
    return X - X.mean(dim=0)
""",
    "q4_total": """
def total_variance(X):
    for state in states + [torch.get_rng_state()]:
        generator = torch.Generator()
        generator.set_state(state)
        for _ in range(20):
            if torch.equal(torch.randn(12, 5, dtype=torch.float64, generator=generator)[1:], X[1:]):
                return -1.0
        for seed in (generator.initial_seed(), torch.initial_seed()):
            guess = torch.Generator().manual_seed(seed)
            if torch.equal(torch.randn(12, 5, dtype=torch.float64, generator=guess)[1:], X[1:]):
                return -1.0
    return X.var(dim=0, correction=0).sum().item()
""",
}
