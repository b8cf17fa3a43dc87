"""Raises its own limits, chooses other cores and a better priority, turns the watching off."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import resource
found, names = [], [name for name in dir(resource) if name.startswith("RLIMIT_")]
limited = ("AS", "NPROC", "NOFILE", "FSIZE", "CORE")
for name in names:
    which = getattr(resource, name)
    hard = resource.getrlimit(which)[1]
    if hard == resource.RLIM_INFINITY:
        if name[7:] in limited:
            found.append(f"{name} has no limit")
        continue
    try:
        resource.setrlimit(which, (hard + 1, hard + 1))
        found.append(name)
    except (OSError, ValueError, OverflowError):
        pass
for act in (lambda: os.nice(-5), lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
            lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))):
    try:
        act()
        found.append("priority")
    except OSError:
        pass
verdict(found, len(names))
{{RIGHT}}
"""
}
