"""The notebook that a reader takes along: a chapter's page that runs with the library alone."""
