"""The commands as a whole, for what describes them: man pages, completion, tests."""
