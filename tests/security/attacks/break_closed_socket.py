"""Closes every socket that it has inherited, in a call and in a cell."""

EXPECT = {"q1": 0, "q4": 0}
STATUS = "stopped"
CLOSE = "for handle in sockets():\n    os.close(handle)\n"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
def centre(X):
    for handle in sockets():
        os.close(handle)
    return X - X.mean(dim=0)
""",
    "q4_total": """
for name in os.listdir("/proc/self/fd"):
    try:
        os.close(int(name))
    except OSError:
        pass
{{RIGHT}}
""",
}
