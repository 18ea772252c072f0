"""What operators set at runtime: branding and upstreams. Each is a table, and a copy in every process."""
