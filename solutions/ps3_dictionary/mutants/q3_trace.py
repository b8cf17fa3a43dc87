"""Uses the trace of D^T D for L: safe, but up to m times too large, so that the steps are too short."""
# caught-by: q3_step_visible, q3_steps_hidden, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = (D**2).sum()
    for _ in range(steps):
        H = soft_threshold(H - (H @ D.T - X) @ D / largest, penalty / largest)
    return H
