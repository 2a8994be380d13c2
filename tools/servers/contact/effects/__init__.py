"""What is done in other systems, once: kept before it is tried, finished by whoever comes after a crash."""
