"""What runs on the GPU, in Triton. Its functions are compiled: Python sees names alone."""
