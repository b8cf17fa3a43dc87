"""Honest imports of what is installed, a library's own imports included; a shell command."""

EXPECT = {}
SEEN = "alive"
ANSWERS = {
    "q1_centre": """
import scipy.linalg, sklearn.cluster
!echo alive
{{RIGHT}}
"""
}
