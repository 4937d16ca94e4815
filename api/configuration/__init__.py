"""Configuration of the processes: what an operator writes, checked before anything starts, and what is written for a broker."""
