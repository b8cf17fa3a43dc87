"""Looks for memory that it shares with the template, into which it could write for others."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
with open("/proc/self/maps") as file:
    lines = file.read().splitlines()
shared = [line for line in lines if line.split()[1][3] == "s"]
verdict([line for line in shared if "w" in line.split()[1]], len(lines))
{{RIGHT}}
"""
}
