"""The monitor of a rewrite: are the runs since worse than those before?

    sequential.py  the test, looked at after every run
    samples.py     which run was driven under which version

May import handlers.project.
"""
