"""The way of a request from the runtime to the balancer and back."""
