"""Remedies before they are tried: who proposed them, which are worth a trial, which one to try.

May import `handlers.judge.prompt` and `handlers.judge.evidence`; knows nothing of Groq or the job.
"""
