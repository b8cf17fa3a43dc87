"""Asks what it is: capabilities, no_new_privs, seccomp, groups, real ids; runs programs with setuid."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
import glob, subprocess
with open("/proc/self/status") as file:
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in file if ":\\t" in line)
found = [f"{n} {status[n]}" for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
         if int(status[n], 16)]
found += [f"{n} {status.get(n)}" for n, v in (("NoNewPrivs", "1"), ("Seccomp", "2"))
          if status.get(n) != v]
if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()):
    found.append("root")
found += [f"group {g}" for g in os.getgroups() if g in (0, 4, 6, 24, 27, 998, 999)]
programs = [p for folder in ("/bin", "/usr/bin", "/usr/sbin", "/sbin", "/usr/lib/*")
            for p in glob.glob(f"{folder}/*")]
setuid = [p for p in programs if os.path.isfile(p) and os.stat(p).st_mode & 0o6000]
for line in (["su", "-c", "id"], ["sudo", "-n", "id"], ["newuidmap", str(os.getpid()), "0", "0", "1"],
             ["mount", "-t", "tmpfs", "x", "/work"], ["unshare", "-Ur", "true"], ["nsenter", "-t", "1", "-m", "true"],
             ["bwrap", "--bind", "/", "/", "--dev", "/dev", "true"], ["chroot", "/work", "true"]):
    try:
        done = subprocess.run(line, capture_output=True, timeout=2, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            found.append(" ".join(line))
    except (OSError, subprocess.TimeoutExpired):
        pass
verdict(found, len(programs) + len(setuid))
{{RIGHT}}
"""
}
