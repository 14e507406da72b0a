"""`cadenzactl db`: the event log as a file, and the space that it and its runs take."""
