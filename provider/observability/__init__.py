"""Observability for operators: structured logs, counters and metrics."""
