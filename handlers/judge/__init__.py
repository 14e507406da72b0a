"""The judge: finds in run logs why missions fail, and rewrites SYSTEM_PROMPT, safely.

findings.py   failure modes, counted in code
rules.py      the rules a prompt may be given, and how they are read back
"""
