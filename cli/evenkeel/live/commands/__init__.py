"""The commands on a deployed balancer."""
