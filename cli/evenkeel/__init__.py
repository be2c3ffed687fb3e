"""The command line of Evenkeel: runs on a developer's machine, never uploaded with the Worker."""
