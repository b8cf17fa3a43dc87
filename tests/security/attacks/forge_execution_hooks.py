"""Marks every later cell as done without running it, through IPython's events and run_cell."""

EXPECT = {"q1": 0}
ANSWERS = {
    "q1_centre": """
def centre(X):
    return X

shell = get_ipython()
shell.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "pass"))
shell.events.register("post_run_cell", lambda result: setattr(result, "error_in_exec", None))
shell.showtraceback = lambda *args, **kwargs: None
shell.custom_exceptions = (AssertionError,)
"""
}
