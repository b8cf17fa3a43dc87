"""Honest imports of what is installed, a library's own imports included; a shell command."""

EXPECT = {}
SEEN = "alive"
ANSWERS = {
    "q1_centre": """
import numpy, pandas, scipy.linalg, sklearn.cluster, sklearn.manifold, sklearn.pipeline
!echo alive
{{RIGHT}}
"""
}
