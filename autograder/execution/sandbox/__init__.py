"""Where a student's code runs: two walls, and a warm template that is forked.

The outer wall is bubblewrap around one template process (``outer``, ``drop``); the inner wall is
what each forked child builds around itself before it runs a student's first line (``inner``,
``syscalls``).
``fork_server`` is how the grader asks for a child and ends it; ``template`` is what runs inside.
All of this package may be read inside; none of it is a secret.
"""
