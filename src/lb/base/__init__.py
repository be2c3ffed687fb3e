"""Plain tools that know no load balancer."""
