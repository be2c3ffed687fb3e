"""What is counted, as text for those who collect metrics."""
