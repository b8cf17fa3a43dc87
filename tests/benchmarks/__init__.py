"""Benchmarks: ratios of times measured side by side, each contender in its own process."""
