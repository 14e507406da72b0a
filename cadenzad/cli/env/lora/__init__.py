"""`cadenza env lora`: the action head by hand. Each subcommand is a module of this package."""
