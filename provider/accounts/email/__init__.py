"""Email addresses: verifying and changing them, and the emails about it."""
