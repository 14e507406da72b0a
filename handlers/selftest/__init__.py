"""Does everything a job needs work here, inside this unit and under these limits?"""
