"""The commands of the command line, by what they are about; each returns its exit status.

They import what they need when they run: nbgrader takes two seconds to import.
"""
