"""Email addresses: confirming, changing, and the emails about it."""
