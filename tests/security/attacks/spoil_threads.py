"""Honest threads and processes: torch on two threads, pools, a loader with workers, joblib."""

EXPECT = {}
SEEN = "all came back"
ANSWERS = {
    "q1_centre": """
import math, torch
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(2)
with ThreadPoolExecutor(4) as pool:
    threads = list(pool.map(math.sqrt, [1.0, 4.0]))
with Pool(2) as pool:
    processes = pool.map(math.sqrt, [1.0, 4.0])
loader = DataLoader(TensorDataset(torch.arange(8.0)), batch_size=2, num_workers=2)
loaded = sum(float(batch.sum()) for (batch,) in loader)
A = torch.ones(200, 200)
for _ in range(50):
    A = (A @ A) / 200
print("all came back" if (threads, processes, loaded) == ([1.0, 2.0], [1.0, 2.0], 28.0) else loaded)
{{RIGHT}}
"""
}
