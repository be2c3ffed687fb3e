"""`evenkeel schema`: the generated parts of docs/."""
