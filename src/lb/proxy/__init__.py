"""The way of one request through a load balancer."""
