"""Sends its open files along the inherited socket, and asks whether any came with the questions."""

EXPECT = {"q1": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import array, socket

def centre(X):
    handle = socket.socket(fileno=os.dup(sockets()[0]))
    files = array.array("i", [os.open("/", os.O_RDONLY) for _ in range(50)])
    for _ in range(20):
        handle.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    return X - X.mean(dim=0)
"""
}
