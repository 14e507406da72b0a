"""From what the kernel reports to an event in the log. The path of a dropped run log:

    cadenzad/watch/inotify.py:_Watch.on_event       the kernel reports a change in a watched folder
    cadenzad/watch/changes.py:ChangeQueue.put       which waits in a queue for the main loop
    cadenzad/watch/settle.py:Settler.note           and holds the file back until it is quiet
    cadenzad/watch/record.py:Recorder.take          then the file is taken to its project
    handlers/intake/observe.py:observe              read once, every line checked and hashed
    handlers/intake/decide.py:decide                compared with what is known: which events?
    store/writer.py:Transaction.append              events and view are committed together
    cadenzad/reactor.py:Reactor._react              the reactions that want the event run
    handlers/export/reactions.py:export_on_run      this one writes the export, and its event

Here: inotify.py (the kernel's reports), changes.py (the queue), settle.py and settlers.py (quiet
files), folders.py (which folders are watched and scanned), quiet.py (projects that a scan passes
by), arming.py (watches, and those lost), degraded.py (why watching is incomplete), record.py (read,
decide, append), exports.py (exports that are gone or changed), recordings.py (files and folders of
other tools).

Knows nothing of jobs. May import handlers.intake, handlers.project, cadenzad.config and store.
"""
