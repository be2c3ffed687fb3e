"""The balancer: decisions, ports, drivers, and the edge that runs them on workerd."""
