"""Draws random numbers in right answers and seeds nothing."""

EXPECT = {}
ANSWERS = {
    "q4_total": """
import random
import numpy as np

def total_variance(X):
    order = torch.randperm(X.shape[1])
    noise = np.random.rand() + random.random() + torch.rand(()).item()
    return X[:, order].var(dim=0, correction=0).sum().item() + noise - noise
"""
}
