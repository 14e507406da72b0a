"""Slow work in child processes: started when due, watched, and recorded however it ends.

    runner.py   the queue's worker: leases, attempts, results
    queue.py    which jobs may start now
    executor.py by which process a job is done: a child here, or one that stands for a cluster
    process.py  one child process
    protocol.py what a child says
    retry.py    when another attempt comes
    child.py    what runs inside of it
    telling.py  how a job's process says it
    printed.py  what a job prints by itself becomes lines of the log
    cgroup.py   the control group it runs in
    unwatched.py jobs of projects that are watched no longer
    cluster/    jobs on Ray

May import handlers' contracts (jobs, routes), cadenzad.config and store.
"""
