"""`signet doctor`: examinations of a running installation, from outside and inside.

`signet check` reads the configuration before the start. The doctor asks the installation that runs, through its proxy.
"""
