"""`cadenzactl`: one module a subcommand, in the groups look, decide, operate and repair."""
