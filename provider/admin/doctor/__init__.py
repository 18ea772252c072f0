"""The last result of `signet doctor` in the worker, and requests to run it (docs/operate/doctor.md)."""
