"""Where a student's code runs: two sandbox layers, and a warm template process that is forked.

The outer layer is bubblewrap around one template process (``outer_layer``, ``drop_privileges``);
the inner one is what each forked worker builds around itself before it runs a student's first line
(``inner_layer``, ``syscalls``).
``fork_server`` is how the grader asks for a child and ends it; ``template`` is what runs inside.
All of this package may be read inside; none of it is a secret.
"""
