"""The commands for a deployed balancer."""
