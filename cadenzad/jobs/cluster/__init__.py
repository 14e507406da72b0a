"""Jobs on a Ray cluster: the executor beneath the queue that is not this machine's.

    executor.py   what the queue asks: may this start now, and by which process
    standing.py   the cluster as it stands: nodes, resources, why something waits
    watch.py      the process that looks at it; watching.py: the daemon's end of that
    submit.py     the process of one job here: packs, sends, supervises, takes files home
    command.py    the same for a command's own work, that no log queued
    connection.py a process' connection to the cluster
    shim.py       what is sent by value: says which cadenzad is there before anything of it runs
    task.py       a job's end on a node: its child, lease, memory, files
    relay.py      a child's lines, and what it asks its parent to have computed
    spreading.py  parts of a computation as Ray tasks; parts.py: one of them, on a node
    bundle.py     a project's files in, files out; cache.py: where they lie on a node

The daemon never imports ray: a driver takes 130 MB and half a second, brings a dozen threads, and
ends its whole process when the cluster's head is gone for long. So each job has a small process
here that stands for it, which the queue supervises as it does a local child: lease, timeout,
cancelling and the fence are the same code. When that process ends, for whatever reason, Ray ends
what it had begun; what comes back after that comes to nobody.

May import handlers, cadenzad.jobs, cadenzad.config, cadenzad.logs and store; ray where it is used.
"""
