"""The choice of pool and origin: rules, sets, sessions, steering and shedding."""
