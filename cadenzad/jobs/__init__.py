"""Slow work in child processes: started when due, watched, and recorded however it ends.

    runner.py   the queue's worker: the thread that starts what is due
    children.py the running children: listened to, held to their limits, ended
    queue.py    which jobs may start now
    places.py   whether there is room for one, and who is told that there is none
    request.py  what a job's process is told
    recording.py what the log is told of attempts, under the fence
    executor.py by which process a job is done: a child here, or one that stands for a cluster
    process.py  one child process
    protocol.py what a child says
    retry.py    when another attempt comes
    cgroup.py   the control group it runs in
    unwatched.py jobs of projects that are watched no longer
    child/      a job's process from inside
    cluster/    jobs on Ray

May import handlers' contracts (jobs, routes), cadenzad.config and store.
"""
