"""Slow work in child processes: started when due, watched, and recorded however it ends.

    runner.py   the queue's worker: leases, attempts, results
    queue.py    which jobs may start now
    process.py  one child process
    protocol.py what a child says
    retry.py    when another attempt comes
    child.py    what runs inside of it
    printed.py  what a job prints by itself becomes lines of the log
    cgroup.py   the control group it runs in

May import handlers' contracts (jobs, routes), cadenzad.config and store.
"""
