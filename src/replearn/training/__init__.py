r"""One training loop for every model of the book: stochastic gradient descent on tensors in memory.

For an objective that is a mean over samples, L(theta) = (1/n) sum_i l(theta; x_i), each epoch
draws a random order of the n samples, cuts it into batches B and takes one optimiser step per
batch on (1/|B|) sum_{i in B} l(theta; x_i).

The data stay where they are, on the CPU or the GPU: a batch is one indexed read, where a
``DataLoader`` fetches and stacks its samples one at a time, and the device is waited for once an
epoch, not once a step. Memory that a step frees is kept for the next one, on the CPU as on the GPU.

Sources: Bottou, Curtis & Nocedal (2018), Optimization methods for large-scale machine learning,
SIAM Review 60(2), for the method; Kingma & Ba (2015), Adam, ICLR, for the default optimiser;
Prechelt (1998), Early stopping - but when?, for the stopping rule.
"""

from replearn.training.callbacks import Callback, State
from replearn.training.history import History
from replearn.training.loop import Loss, train

__all__ = ["Callback", "History", "Loss", "State", "train"]
