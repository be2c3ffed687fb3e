"""The adapters to JavaScript and the Workers runtime; only entry.py knows these as well."""
