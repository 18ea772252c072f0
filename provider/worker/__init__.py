"""Background work: delivers the outbox, rotates keys and deletes what has expired.

Every outbox row and every deadline is in SQL. Losing a message, a queue or the whole process only delays work, because
the timetable finds what is due (decision 69). Without Redis this runs inside the web process; with it, in `signet
worker`.

`background` starts and stops it all. `queue` carries the ids of outbox rows to threads that deliver them. `handlers`
maps each topic to its handler. `timetable` runs `jobs` at their intervals.
"""
