"""Jobs on other machines: chunks handed to Slurm or Dask, and the worker that runs them there."""
