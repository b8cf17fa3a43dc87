"""Makes small files and folders until it can't or two seconds have passed, and answers rightly."""

EXPECT = {}
SEEN = "files made"
ANSWERS = {
    "q1_centre": """
import os, time

made, end = 0, time.monotonic() + 2
for folder in ("/tmp", "/work", "/dev/shm"):
    try:
        for number in range(10**6):
            os.close(os.open(f"{folder}/fort-{number}", os.O_CREAT | os.O_WRONLY))
            made += 1
            if time.monotonic() > end:
                break
    except OSError:
        pass
print(made, "files made", "".join(["FO", "UND no limit"]) if made > 500_000 else "")
{{RIGHT}}
"""
}
