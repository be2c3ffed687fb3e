"""The objects that operators manage: from the file and from the API, as one configuration."""
