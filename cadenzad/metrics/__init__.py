"""Figures of the daemon and its projects, for Prometheus.

    collect.py     reads them from the view, the bookkeeping and the disk
    prometheus.py  writes them: text format, a file
    serving.py     serves them by HTTP on the loopback device

May import cadenzad.requests' inbox and store.
"""
