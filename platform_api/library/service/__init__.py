"""What the library decides: taking files in, reading, removing, jobs, and who may do so."""
