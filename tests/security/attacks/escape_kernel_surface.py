"""Tries the system calls that reach into the kernel: io_uring, bpf, keys, perf, modules, handles."""

EXPECT = {}
SEEN = "searched"
ANSWERS = {
    "q1_centre": """
{{SCAN}}
room = ctypes.create_string_buffer(512)
word = ctypes.c_char_p(b"user")
calls = {
    "io_uring_setup": (425, 4, room), "bpf": (321, 0, room, 48), "userfaultfd": (323, 0),
    "perf_event_open": (298, room, 0, -1, -1, 0), "keyctl": (250, 0, -3, 1),
    "keyctl session": (250, 1, 0), "add_key": (248, word, word, word, 4, -3),
    "request_key": (249, word, word, None, -3), "kexec_load": (246, 0, 0, None, 0),
    "init_module": (175, room, 512, word), "finit_module": (313, 0, word, 0),
    "swapon": (167, word, 0), "reboot": (169, 0xFEE1DEAD, 672274793, 0, None),
    "syslog": (103, 3, room, 100), "acct": (163, None), "sethostname": (170, word, 4),
    "iopl": (172, 3), "ioperm": (173, 0, 10, 1),
    "setuid": (105, 0), "setgid": (106, 0), "setgroups": (116, 0, None),
    "setresuid": (117, 0, 0, 0), "fanotify_init": (300, 0, 0), "quotactl": (179, 0, word, 0, room),
    "lookup_dcookie": (212, 0, room, 10), "memfd_secret": (447, 0), "memfd_create": (319, word, 0),
    "shmget": (29, 0x1234, 4096, 0o1666), "msgget": (68, 0x1234, 0o1666),
    "semget": (64, 0x1234, 1, 0o1666), "mq_open": (240, word, 0o102, 0o666, None),
    "personality": (135, 0x0040000), "mknod": (133, ctypes.c_char_p(b"/work/dev"), 0o20666, 0x101),
    "pidfd_getfd": (438, 0, 0, 0), "process_mrelease": (448, 0, 0), "kcmp": (312, 1, 1, 0, 0, 0),
    "migrate_pages": (256, 1, 0, room, room),
    "x32 getpid": (0x40000000 + 39,), "vhangup": (153,), "uselib": (134, word),
    "open_by_handle_at": (304, -100, room, 0),
}
found = [name for name, call in calls.items() if syscall(*call) >= 0]
verdict(found, len(calls))
{{RIGHT}}
"""
}
