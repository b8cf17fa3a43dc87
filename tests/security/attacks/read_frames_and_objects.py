"""Walks frames, modules, threads and every object for what only the tests' process should hold."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import gc, linecache
found, looked = [], 0
words = ("gradekit." + "runner", "gradekit.protocol." + "client", "autograder.execution.engine",
         "autograder." + "assignment", "nbgrader")
found += [name for name in sys.modules if name in words]
for frame in sys._current_frames().values():
    while frame:
        looked += 1
        names = {*frame.f_locals, *frame.f_globals}
        found += [n for n in names if n in ("hidden", "secret", "expected", "assignment", "solutions")]
        frame = frame.f_back
for thing in gc.get_objects():
    looked += 1
    if type(thing) in (list, tuple, dict):
        parts = thing.values() if type(thing) is dict else thing
        for part in list(parts)[:500]:
            if type(part) is str and len(part) > 20:
                found += sightings(part.encode("utf-8", "replace"))
            elif type(part) is bytes and len(part) > 7:
                found += sightings(part)
for lines in list(linecache.cache.values()):
    if len(lines) > 2 and lines[2]:
        found += sightings("".join(lines[2]).encode())
verdict(found, looked)
{{RIGHT}}
"""
}
