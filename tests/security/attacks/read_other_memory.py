"""Reads memory, environment, maps and files of every process that it can see, process 1 included."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
found, looked = [], 0
mine = os.getpid()
for pid in [pid for pid in processes() if pid != mine] + [os.getppid(), 1, 2]:
    if pid == mine:
        continue
    for name in ("mem", "environ", "cmdline", "maps", "stack", "auxv", "pagemap", "syscall"):
        looked += 1
        try:
            with open(f"/proc/{pid}/{name}", "rb", 0) as file:
                data = file.read(64)
            if name in ("environ", "stack", "auxv", "pagemap") or name == "mem" and data:
                found.append(f"{pid}/{name}")
        except OSError:
            pass
    for link in ("cwd", "root", "exe", "ns/pid", "fd"):
        looked += 1
        try:
            path = f"/proc/{pid}/{link}"
            found += [f"{path}/{name}" for name in os.listdir(path)] if link == "fd" else []
            if link in ("cwd", "root"):
                found += [p for p in os.listdir(path) if "fort" in p or "course" in p]
        except OSError:
            pass
    buffer = ctypes.create_string_buffer(16)
    local = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 16)
    remote = (ctypes.c_ulong * 2)(id(sys), 16)
    looked += 1
    if syscall(310, pid, local, 1, remote, 1, 0) > 0:
        found.append(f"process_vm_readv {pid}")
    if syscall(101, 16, pid, 0, 0) == 0:
        found.append(f"ptrace {pid}")
verdict(found, looked)
{{RIGHT}}
"""
}
