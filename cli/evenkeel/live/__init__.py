"""Commands on a deployed balancer, by its URL and a token."""
