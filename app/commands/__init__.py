"""The commands of `python -m app`.

`command_line.py` parses the arguments and prints errors. Each other module adds one command: its arguments and its function.
`operator_context.py` has what they share: the settings, and the name of the database on standard error.
"""
