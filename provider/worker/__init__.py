"""What runs beside requests: it delivers the outbox, rotates keys and deletes what has expired.

Every outbox row and every deadline is in SQL, so losing a message, a queue or the whole process only delays work: the
timetable finds what is due (decision 69). Without Redis this runs inside the web process; with it, in `signet worker`.

`background` starts and stops it all, `queue` carries the ids of outbox rows to threads that deliver them, `handlers`
says what delivers each topic, `timetable` does `jobs` at their intervals.
"""
