"""The client of a balancer's admin side."""
