"""`cadenza env`: a project by hand, one module a subcommand."""
