"""Import of users from a file: reading rows, checking them, and creating or updating accounts."""
