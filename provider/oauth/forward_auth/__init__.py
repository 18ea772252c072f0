"""Forward authentication: a reverse proxy asks about each request to a site, and this server signs the user in."""
