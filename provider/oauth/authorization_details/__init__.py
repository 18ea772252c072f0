"""Rich Authorization Requests (RFC 9396): the types that operators declare, and the details that apps ask for."""
