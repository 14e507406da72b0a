"""Capabilities: what can be done for a robot project, one package each. Imports `store` only."""
