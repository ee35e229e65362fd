"""`leeboard compare`: two files side by side, in a process that loads nothing else."""
