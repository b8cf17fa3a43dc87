"""Benchmarks: ratios of times measured side by side, each implementation in its own process."""
