"""A job's process from inside, whether it does the job or stands for one that is done elsewhere.

    __main__.py what runs a job's function
    telling.py  how such a process says how far it is, that it lives, and how it ended
    printed.py  what a job prints by itself becomes lines of the log

May import handlers' contracts (jobs, spread, settings), cadenzad.jobs.protocol, cadenzad.config,
cadenzad.logs and store.
"""
