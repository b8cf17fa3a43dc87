"""Attaches to process 1 and to all others: ptrace, pidfd_getfd, kcmp, process_madvise, mem."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
found, looked, mine = [], 0, os.getpid()
for pid in sorted({1, 2, os.getppid(), *processes()} - {mine, 0}):
    for request in (16, 0x4206):  # PTRACE_ATTACH, PTRACE_SEIZE
        looked += 1
        if syscall(101, request, pid, 0, 0) == 0:
            found.append(f"ptrace {request} {pid}")
    handle = syscall(434, pid, 0)  # pidfd_open
    if handle >= 0:
        for other in range(20):
            looked += 1
            if syscall(438, handle, other, 0) >= 0:
                found.append(f"pidfd_getfd {pid} {other}")
        for kind in (0x10000000, 0x20000, 0x40000000):
            if syscall(308, handle, kind) == 0:
                found.append(f"setns {pid}")
    try:
        with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
            memory.seek(id(sys))
            memory.write(b"fort")
            found.append(f"mem {pid}")
    except (OSError, OverflowError):
        pass
if syscall(101, 0, 0, 0, 0) == 0:  # PTRACE_TRACEME
    found.append("traceme")
verdict(found, looked)
{{RIGHT}}
"""
}
