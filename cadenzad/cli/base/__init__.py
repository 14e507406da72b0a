"""What every subcommand is made of. Imports of the standard library alone, and of what is as light.

program.py  a command with its subcommands
parser.py   arguments, and an error as one line and an exit code
output.py   lines, tables, JSON, errors
lookup.py   from what a person types to a project, a position, a time
requests.py ask the writer of the log for something, and show how it goes
"""
