"""Searches the memory that it inherited from the template for anything of tests or neighbours."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
def scan(pid, seconds):
    found, seen, end = [], 0, time.monotonic() + seconds
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            span, rights, *rest = line.split()
            if "w" not in rights or "[v" in line:
                continue
            start, stop = (int(part, 16) for part in span.split("-"))
            for at in range(start, stop, 2**24):
                if time.monotonic() > end:
                    return found, seen
                try:
                    memory.seek(at)
                    data = memory.read(min(2**24, stop - at))
                except (OSError, ValueError, OverflowError):
                    continue
                found += sightings(data)
                seen += len(data)
    return found, seen

try:
    found, seen = scan("self", 1.5)
except OSError:
    found, seen = [], 0
verdict(found, seen)
{{RIGHT}}
"""
}
