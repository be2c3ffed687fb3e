"""Authentication of operators: tokens, sessions, Cloudflare Access, CSRF and CORS."""
