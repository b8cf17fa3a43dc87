"""Takes steps of size one: that is right for orthonormal atoms, otherwise the step is 1/L or the codes blow up."""
# caught-by: q3_step_visible, q3_optimum_visible, q3_steps_hidden, q3_warm_hidden

# %% q3_codes
def ista_codes(X, D, penalty, H, steps):
    largest = 1.0
    for _ in range(steps):
        H = soft_threshold(H - (H @ D.T - X) @ D / largest, penalty / largest)
    return H
