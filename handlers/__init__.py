"""Capabilities: what can be done for a robot project, one package each. Imports `store` only.

Empty on purpose: importing one module must not load the others. What leads to what is in `routes`;
what a reaction and a job are, in `reactions` and `jobs`.
"""
