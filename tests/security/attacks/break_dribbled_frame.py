"""Begins a frame and sends one byte of it every fifth of a second, for ever."""

EXPECT = {"q1": 0}
STATUS = "timed out in q1_small_visible"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
def centre(X):
    handle = sockets()[0]
    os.write(handle, (10**4).to_bytes(8, "big"))
    while True:
        os.write(handle, b"x")
        time.sleep(0.2)
"""
}
