"""What a student's machine and the grader share; knows no mathematics.

``notebook`` reads a notebook, ``runner`` runs its tests, ``local`` starts the student's process
on a machine of the student's own, ``checks`` is what test cells call, ``protocol`` is how the
process that holds the tests talks to the one that runs the student's code.
"""
