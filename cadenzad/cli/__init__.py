"""The command lines: `cadenzad`, `cadenzactl` and `cadenza env`. One subcommand, one function."""
