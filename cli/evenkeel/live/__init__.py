"""Commands against a balancer that is deployed, by its URL and a token."""
