"""The fields of each object, and the rules that join several of them."""
