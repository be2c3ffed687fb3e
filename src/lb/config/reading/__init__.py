"""How values of a document are read, and how problems are told."""
