"""Shuts its side of the socket for writing and then goes on as if nothing had happened."""

EXPECT = {"q1": 0}
STATUS = "in q1_small_visible"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import socket

def centre(X):
    for handle in sockets():
        socket.socket(fileno=os.dup(handle)).shutdown(socket.SHUT_WR)
    time.sleep(1)
    return X - X.mean(dim=0)
"""
}
