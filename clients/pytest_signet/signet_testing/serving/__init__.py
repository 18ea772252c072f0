"""How requests reach a test's Signet: its address, its thread and web server, transports in process, and the middleware
that notes each request and answers it wrongly on demand.
"""
