"""Running students' code and the tests: engine, fork servers, runner process, sandbox."""
