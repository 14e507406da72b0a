"""The local web page and its one-file report: what the log and the run logs say, in pictures.

    moment.py     the view as of now or of a past position, read-only
    fleet.py      every project in a line
    project.py    one project: its panels, put together
    charts.py     charts as plain data
    panels/       one question each: outcomes, causes, prompts, adapters, the map, two runs ...
    render.py     values to HTML, escaped
    report.py     the project page as one file
    web/          the server: routes, who may ask, live updates

Nothing here writes, and nothing of the daemon imports it: its cost is that of its own process.
"""
