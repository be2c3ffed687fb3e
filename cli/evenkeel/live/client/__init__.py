"""How a command talks to a deployed balancer."""
