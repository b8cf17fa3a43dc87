"""Writes the kernel's settings under /proc and /sys, and the score that the memory killer reads."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import glob
paths = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/modprobe",
         "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory",
         "/proc/sys/fs/binfmt_misc/register", "/proc/sys/kernel/ns_last_pid", "/proc/2/oom_score_adj",
         "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups", "/proc/1/uid_map",
         "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cgroup.procs", "/proc/acpi/wakeup",
         *glob.glob("/sys/fs/cgroup/*")[:50], *glob.glob("/proc/sys/kernel/*")[:200]]
found = []
for path in paths:
    try:
        with open(path, "r+b", 0) as file:
            content = file.read(100)
            file.seek(0)
            file.write(content or b"0")
        found.append(path)
    except OSError:
        pass
try:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    found.append("oom_score_adj")
except OSError:
    pass
allowed = ("/proc/sys/kernel/sched", "/proc/sys/kernel/shm", "/proc/sys/kernel/msg",
           "/proc/sys/kernel/sem", "/proc/sys/kernel/auto_msgmni")
verdict([path for path in found if not path.startswith(allowed)], len(paths))
{{RIGHT}}
"""
}
