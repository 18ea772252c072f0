"""What the service tells its operators: structured logs, and whether it is ready to serve."""
