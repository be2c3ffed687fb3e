"""The command line of Evenkeel. It runs on a developer's machine and is not part of the Worker."""
